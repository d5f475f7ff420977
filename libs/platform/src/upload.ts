import { createHash } from 'node:crypto';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { MultipartFile } from '@fastify/multipart';
import { DomainError } from '@jinqiao/schema';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { LIMITS, MEBIBYTE } from './body.js';

export class FileMissing extends DomainError {
  constructor() {
    super('FILE_MISSING', 400, { zh: '缺少上传文件', en: 'The form has no file' }, [
      { code: 'FILE_MISSING', pointer: '/file', message: 'The form has no file.' },
    ]);
  }
}

export class FileTooLarge extends DomainError {
  constructor(most: number = LIMITS.file) {
    const size = `${most / MEBIBYTE} MiB`;
    super('FILE_TOO_LARGE', 413, { zh: `上传文件过大（上限 ${size}）`, en: `The file is larger than ${size}` }, [
      { code: 'FILE_TOO_LARGE', pointer: '/file', message: `The file is larger than ${size}.` },
    ]);
  }
}

/** A file being received. Its content streams; past the most that its route takes the stream fails with FILE_TOO_LARGE. */
export interface Upload {
  filename: string;
  mimetype: string;
  content: Readable;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** SHA-256 of the uploaded file, once it was read to its end; for idempotency keys. */
    uploadDigest?: () => string | undefined;
  }
}

/** The first file of a multipart form, as a stream, of up to so many bytes; 50 MiB unless told. */
export const UploadedFile = createParamDecorator(async (most: number | undefined, context: ExecutionContext): Promise<Upload> => {
  return uploadIn(context.switchToHttp().getRequest<FastifyRequest>(), most ?? LIMITS.file);
});

async function uploadIn(request: FastifyRequest, most: number): Promise<Upload> {
  if (!request.isMultipart()) throw new FileMissing();
  const part: MultipartFile | undefined = await request.file({ limits: { fileSize: most } });
  if (!part) throw new FileMissing();
  const hash = createHash('sha256').update(`${part.filename}\n`);
  let digest: string | undefined;
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
    flush(done) {
      // The form parser ends a file that is too large early, and says so only here.
      if (part.file.truncated) {
        done(new FileTooLarge(most));
        return;
      }
      digest = hash.digest('hex');
      done();
    },
  });
  request.uploadDigest = () => digest;
  // A failure (too large, the client is gone) destroys `hashing` with that error: its reader sees it there.
  pipeline(part.file, hashing).catch(() => undefined);
  return { filename: part.filename, mimetype: part.mimetype, content: hashing };
}

/** Reads an upload to its end only to compare it with one received before. */
export async function digestOfUpload(request: FastifyRequest): Promise<string> {
  const { content } = await uploadIn(request, LIMITS.evidence);
  for await (const _chunk of content);
  return request.uploadDigest?.() ?? '';
}

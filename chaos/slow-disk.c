/*
 * A disk that answers slowly, for the server that is started with this in LD_PRELOAD: it stands before the calls that flush and write, and
 * waits there as long as a file says, like the kernel does when a disk cannot keep up. The file is mapped, so looking costs nothing and
 * a change is seen at once by every process and thread, also by those in the middle of their work.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* What slow-disk.ts writes. */
struct slowness {
  uint32_t flush_ms;
  uint32_t write_ms;
};

static const volatile struct slowness *slowness;

__attribute__((constructor)) static void look(void) {
  const char *name = getenv("CHAOS_SLOW_DISK");
  const int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *mapped = mmap(NULL, sizeof(struct slowness), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (mapped != MAP_FAILED) slowness = mapped;
}

/* No signal ends the wait for a disk. */
static void wait_ms(uint32_t ms) {
  struct timespec left = {ms / 1000, (long)(ms % 1000) * 1000000};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) continue;
}

/* From the stated time to two and a half times that. */
static void flushing(void) {
  const uint32_t ms = slowness ? slowness->flush_ms : 0;
  if (ms == 0) return;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  wait_ms(ms + (uint32_t)(now.tv_nsec / 1000) % (ms + ms / 2));
}

static void writing(int fd) {
  const uint32_t ms = slowness ? slowness->write_ms : 0;
  struct stat found;
  if (ms > 0 && fstat(fd, &found) == 0 && S_ISREG(found.st_mode)) wait_ms(ms);
}

int fsync(int fd) {
  flushing();
  return syscall(SYS_fsync, fd);
}

int fdatasync(int fd) {
  flushing();
  return syscall(SYS_fdatasync, fd);
}

int msync(void *from, size_t length, int flags) {
  if (flags & MS_SYNC) flushing();
  return syscall(SYS_msync, from, length, flags);
}

ssize_t write(int fd, const void *bytes, size_t count) {
  writing(fd);
  return syscall(SYS_write, fd, bytes, count);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  writing(fd);
  return syscall(SYS_writev, fd, parts, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
  writing(fd);
  return syscall(SYS_pwrite64, fd, bytes, count, at);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
  writing(fd);
  return syscall(SYS_pwritev, fd, parts, count, at, 0);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) { return pwrite(fd, bytes, count, at); }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) { return pwritev(fd, parts, count, at); }

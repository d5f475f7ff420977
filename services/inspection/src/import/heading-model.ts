/**
 * A small learner: multinomial logistic regression over sparse features, trained in a fraction of a second when the process first needs
 * it. The same examples in the same order give the same weights, so every process reads a heading alike.
 */
export type Features = ReadonlyMap<string, number>;
interface Example {
  readonly features: Features;
  readonly label: string;
}
type Classifier = (features: Features) => { label: string; probability: number };

const EPOCHS = 30;
const STEP = 0.3;
const SHRINKAGE = 0.001;
// Long headings carry more features than short ones; every heading gets the same say.
const LENGTH = 3;

// Bound once: the inner loop runs some ten million times, and looking a global up each time costs more than the arithmetic under Jest.
const { exp, sqrt } = Math;

/** What one feature says for each label, and how far that has moved already. */
interface Voice {
  readonly weights: Float64Array;
  readonly moved: Float64Array;
}
type Heard = readonly { readonly voice: Voice; readonly value: number }[];

export function learn(examples: readonly Example[]): Classifier {
  const labels = [...new Set(examples.map(({ label }) => label))].sort();
  const voices = new Map<string, Voice>();
  for (const name of examples.flatMap(({ features }) => [...features.keys()])) {
    if (!voices.has(name))
      voices.set(name, { weights: new Float64Array(labels.length), moved: new Float64Array(labels.length).fill(1e-8) });
  }

  const heardIn = (features: Features): Heard => {
    const length = Math.hypot(...features.values());
    return [...features].flatMap(([name, value]) => {
      const voice = voices.get(name);
      return voice ? [{ voice, value: (value * LENGTH) / length }] : [];
    });
  };

  const probabilities = (heard: Heard): Float64Array => {
    const scores = new Float64Array(labels.length);
    for (const { voice, value } of heard) {
      for (let label = 0; label < scores.length; label++) scores[label] = (scores[label] ?? 0) + (voice.weights[label] ?? 0) * value;
    }
    const highest = Math.max(...scores);
    const powers = scores.map((score) => exp(score - highest));
    const total = powers.reduce((sum, power) => sum + power, 0);
    return powers.map((power) => power / total);
  };

  /** One step of AdaGrad: a weight that has moved much moves less. */
  const correct = (heard: Heard, answer: number): void => {
    const errors = probabilities(heard).map((probability, label) => probability - (label === answer ? 1 : 0));
    for (const { voice, value } of heard) {
      const { weights, moved } = voice;
      for (let label = 0; label < errors.length; label++) {
        const weight = weights[label] ?? 0;
        const gradient = (errors[label] ?? 0) * value + SHRINKAGE * weight;
        const distance = (moved[label] ?? 0) + gradient * gradient;
        moved[label] = distance;
        weights[label] = weight - (STEP * gradient) / sqrt(distance);
      }
    }
  };

  const lessons = dealt(examples).map(({ features, label }) => ({ heard: heardIn(features), answer: labels.indexOf(label) }));
  for (let epoch = 0; epoch < EPOCHS; epoch++) for (const { heard, answer } of lessons) correct(heard, answer);

  return (features) => {
    const found = probabilities(heardIn(features));
    const best = found.reduce((top, probability, label) => (probability > (found[top] ?? 0) ? label : top), 0);
    return { label: labels[best] ?? '', probability: found[best] ?? 0 };
  };
}

/** Examples of one label arrive side by side; learned in that order the last label would win. A fixed stride deals them out. */
function dealt<T>(examples: readonly T[]): T[] {
  const stride = Math.max(1, Math.round(Math.sqrt(examples.length)));
  return examples
    .map((example, at) => ({ example, turn: at % stride }))
    .sort((a, b) => a.turn - b.turn)
    .map(({ example }) => example);
}

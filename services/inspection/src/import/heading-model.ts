/**
 * A small learner: multinomial logistic regression over sparse features, trained in a fraction of a second when the process first needs
 * it. The same examples in the same order give the same weights, so every process reads a heading alike.
 */
export type Features = ReadonlyMap<string, number>;
export interface Example {
  readonly features: Features;
  readonly label: string;
}
export type Classifier = (features: Features) => { label: string; probability: number };

const EPOCHS = 30;
const STEP = 0.3;
const SHRINKAGE = 0.001;
// Long headings carry more features than short ones; every heading gets the same say.
const LENGTH = 3;

export function learn(examples: readonly Example[]): Classifier {
  const labels = [...new Set(examples.map(({ label }) => label))].sort();
  const weights = new Map<string, Float64Array>();
  const slopes = new Map<string, Float64Array>();
  for (const { features } of examples) {
    for (const name of features.keys()) {
      weights.set(name, new Float64Array(labels.length));
      slopes.set(name, new Float64Array(labels.length).fill(1e-8));
    }
  }

  const probabilities = (features: Features): Float64Array => {
    const scores = new Float64Array(labels.length);
    for (const [name, value] of features)
      weights.get(name)?.forEach((weight, label) => (scores[label] = (scores[label] ?? 0) + weight * value));
    const highest = Math.max(...scores);
    const total = scores.reduce((sum, score) => sum + Math.exp(score - highest), 0);
    return scores.map((score) => Math.exp(score - highest) / total);
  };

  /** One step of AdaGrad: a weight that has moved much moves less. */
  const correct = (features: Features, answer: number): void => {
    const errors = probabilities(features).map((probability, label) => probability - (label === answer ? 1 : 0));
    for (const [name, value] of features) {
      const [weight, slope] = [weights.get(name), slopes.get(name)];
      if (!weight || !slope) continue;
      for (let label = 0; label < labels.length; label++) {
        const gradient = (errors[label] ?? 0) * value + SHRINKAGE * (weight[label] ?? 0);
        const steepness = (slope[label] ?? 0) + gradient * gradient;
        slope[label] = steepness;
        weight[label] = (weight[label] ?? 0) - (STEP * gradient) / Math.sqrt(steepness);
      }
    }
  };

  const scaled = examples.map(({ features, label }) => ({ features: scale(features), answer: labels.indexOf(label) }));
  const order = mixed(scaled);
  for (let epoch = 0; epoch < EPOCHS; epoch++) for (const { features, answer } of order) correct(features, answer);

  return (features) => {
    const found = probabilities(scale(features));
    const best = found.reduce((top, probability, label) => (probability > (found[top] ?? 0) ? label : top), 0);
    return { label: labels[best] ?? '', probability: found[best] ?? 0 };
  };

  function scale(features: Features): Features {
    const length = Math.hypot(...features.values());
    return new Map([...features].map(([name, value]) => [name, (value * LENGTH) / length]));
  }
}

/** Examples of one label arrive side by side; learned in that order the last label would win. A fixed stride deals them out. */
function mixed<T>(examples: readonly T[]): T[] {
  const stride = Math.max(1, Math.round(Math.sqrt(examples.length)));
  return examples
    .map((example, at) => ({ example, turn: at % stride }))
    .sort((a, b) => a.turn - b.turn)
    .map(({ example }) => example);
}

/** Follows signals with one listener each, however many calls share one: Node warns of more than ten. */

const followers = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls a function when a signal fires, which has not yet; returns what undoes that. */
export function follow(signal: AbortSignal, act: () => void): () => void {
  let all = followers.get(signal);
  if (all === undefined) {
    const own = new Set<() => void>();
    const tell = (): void => {
      for (const one of [...own]) {
        one();
      }
    };
    signal.addEventListener("abort", tell, { once: true });
    followers.set(signal, own);
    all = own;
  }
  const set = all;
  set.add(act);
  return () => {
    set.delete(act);
  };
}

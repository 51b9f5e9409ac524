/** Makes a call a second time when it is late, and takes the first good answer. */
import { follow } from "./follow.js";

/**
 * Starts work, and starts it once more when it has not ended for a while.
 *
 * @param start begins one attempt; its signal fires when the attempt is no longer needed
 * @param afterMs how long the first attempt has for itself
 * @param mayStart whether there may be a second one; asked when it is due
 * @param isDefinite whether a failure would be that of the other attempt too, which is then not waited for
 * @param signals each of them ends all attempts
 * @returns the first good answer, or the first definite or the last failure
 */
export async function hedged<T>(
  start: (signal: AbortSignal) => Promise<T>,
  afterMs: number,
  mayStart: () => boolean,
  isDefinite: (failure: unknown) => boolean,
  signals: readonly AbortSignal[] = [],
): Promise<T> {
  const stop = new AbortController();
  const unfollow = signals.map((signal) => {
    const give = (): void => {
      stop.abort(signal.reason);
    };
    if (signal.aborted) {
      give();
    }
    return follow(signal, give);
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<T>((resolve, reject) => {
      let running = 0;
      const launch = (): void => {
        running += 1;
        start(stop.signal).then(resolve, (error: unknown) => {
          running -= 1;
          if (running === 0 || isDefinite(error)) {
            reject(error);
          }
        });
      };
      launch();
      timer = setTimeout(() => {
        if (mayStart()) {
          launch();
        }
      }, afterMs);
    });
  } finally {
    clearTimeout(timer);
    for (const undo of unfollow) {
      undo();
    }
    stop.abort();
  }
}

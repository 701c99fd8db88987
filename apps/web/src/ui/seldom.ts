/**
 * Draws what changes many times a second no more often than people can follow: every drawing costs a processor that has
 * a model to train.
 * @returns to be called when there is something new to draw; urgent is at once
 */
export function seldom(
  draw: () => void,
  leastMs: () => number,
  nowMs = () => performance.now(),
): (isUrgent: boolean) => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let drawnAtMs = Number.NEGATIVE_INFINITY;
  const drawNow = (): void => {
    clearTimeout(timer);
    timer = undefined;
    drawnAtMs = nowMs();
    draw();
  };
  return (isUrgent) => {
    const wait = drawnAtMs + leastMs() - nowMs();
    if (isUrgent || wait <= 0) drawNow();
    else timer ??= setTimeout(drawNow, wait);
  };
}

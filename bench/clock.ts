/** The next time that a clock shows HH:MM, in milliseconds since 1970. */
export function nextTime(clock: string): number {
  const [hours, minutes] = clock.split(":").map(Number);
  const at = new Date();
  at.setHours(hours as number, minutes as number, 0, 0);
  return at.getTime() < Date.now() ? at.getTime() + 86_400_000 : at.getTime();
}

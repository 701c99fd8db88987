/**
 * Focus follows what appears. To be given as it is to `ref`, never within a function made anew: a ref that changes is
 * called at every rendering, and would take the focus back from wherever it has gone since.
 */
export function focusWhenShown(element: HTMLElement | null): void {
  element?.focus();
}

/** The same for a field that may come filled in. */
export function focusWhenEmpty(input: HTMLInputElement | null): void {
  if (input?.value === "") input.focus();
}

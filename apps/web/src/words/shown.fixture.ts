/** What a reader sees of a component that keeps no state: its texts without a browser, but for those marked as another language's. */
import type { ComponentChild, ComponentChildren, VNode } from "preact";

const isElement = (child: ComponentChild): child is VNode => typeof child === "object" && child !== null;

export function shownOf(children: ComponentChildren): string {
  if (Array.isArray(children)) return children.map(shownOf).join("");
  if (!isElement(children as ComponentChild))
    return typeof children === "string" || typeof children === "number" ? String(children) : "";
  const { type, props } = children as VNode<{ children?: ComponentChildren; lang?: string }>;
  if (typeof type === "function") return shownOf((type as (given: object) => ComponentChild)(props));
  return props.lang === undefined ? shownOf(props.children) : "";
}

/**
 * Sub-adapters on their way: a small square between the coordinator and each device that receives or sends. Motion is
 * the browser's own (Web Animations on transform), so drawing costs the page nothing while devices train.
 */
import type { ParticipantView } from "@fedlodrop/protocol";
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

const SECONDS_PER_TRIP = 0.9;

interface PacketsProps {
  readonly participants: readonly ParticipantView[];
  /** Holds an element with data-coordinator and one with data-device for each device. */
  readonly stage: RefObject<HTMLElement | null>;
}

export function Packets({ participants, stage }: PacketsProps) {
  const layer = useRef<HTMLDivElement>(null);
  const travelling = participants
    .filter(({ state }) => state === "downloading" || state === "uploading")
    .map(({ id, state }) => `${id} ${state}`)
    .join("\n");

  useEffect(() => {
    const [field, over] = [stage.current, layer.current];
    if (!field || !over || travelling === "") return;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const from = centre(field.querySelector("[data-coordinator]"), field);
    const packets = travelling.split("\n").flatMap((line, i) => {
      const [id, state] = line.split(" ") as [string, string];
      const to = centre(field.querySelector(`[data-device="${CSS.escape(id)}"]`), field);
      if (!from || !to) return [];
      const packet = document.createElement("span");
      packet.className = "packet";
      over.append(packet);
      const ends = [from, to].map(({ x, y }) => ({ transform: `translate(${x}px, ${y}px)` }));
      packet.animate(state === "downloading" ? ends : ends.reverse(), {
        duration: 1000 * SECONDS_PER_TRIP,
        delay: 60 * (i % 8),
        iterations: Number.POSITIVE_INFINITY,
        easing: "ease-in-out",
      });
      return packet;
    });
    return () => {
      for (const packet of packets) packet.remove();
    };
  }, [travelling, stage]);

  return <div class="packets" ref={layer} aria-hidden="true" />;
}

function centre(element: Element | null, field: HTMLElement): { x: number; y: number } | null {
  if (element === null) return null;
  const [own, origin] = [element.getBoundingClientRect(), field.getBoundingClientRect()];
  return { x: own.x + own.width / 2 - origin.x, y: own.y + own.height / 2 - origin.y };
}

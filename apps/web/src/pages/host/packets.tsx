/**
 * Sub-adapters on their way: a small square between the coordinator and each device that receives or sends. They move a
 * few times a second and all together: a running animation, the browser's own too, has the page's main thread make every
 * frame of the screen, and without a GPU the processor draws them, which has devices to train.
 */
import type { ParticipantView } from "@fedlodrop/protocol";
import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { FULL_ROOM } from "./full-room.ts";

/** News of 30 devices comes every 900 ms: what was seen to set out arrives before it is told of as done. */
const TRIP_MS = 880;
/** Of a trip; fewer in a full room, whose packets are more to draw. */
const [STEPS, FULL_ROOM_STEPS] = [8, 4];

interface PacketsProps {
  readonly participants: readonly ParticipantView[];
  /** Holds an element with data-coordinator and one with data-device for each device. */
  readonly stage: RefObject<HTMLElement | null>;
  /** Names what stands on it, whose places are looked up anew when that changes. */
  readonly contents: string;
}

interface Place {
  readonly x: number;
  readonly y: number;
}

interface Packet {
  readonly element: HTMLElement;
  /** Where it is after each step of a trip, in CSS. */
  readonly way: readonly string[];
  step: number;
}

/** A line of `travelling`. */
const tripOf = ({ id, state }: ParticipantView): string[] =>
  state === "downloading" || state === "uploading" ? [`${id} ${state}`] : [];

export function Packets({ participants, stage, contents }: PacketsProps) {
  const layer = useRef<HTMLDivElement>(null);
  const packets = useRef(new Map<string, Packet>());
  const places = useRef<ReadonlyMap<string, Place>>(new Map());
  const resizes = useResizes(stage, contents);
  const travelling = useReducedMotion() ? "" : participants.flatMap(tripOf).join("\n");
  // Tiles stand elsewhere when there are others, and when there is more or less room; words that take more lines make theirs higher.
  const steps = participants.length > FULL_ROOM ? FULL_ROOM_STEPS : STEPS;
  const layout = `${resizes} ${steps} ${contents}`;

  useEffect(() => {
    const timer = setInterval(() => move(packets.current), TRIP_MS / steps);
    return () => clearInterval(timer);
  }, [steps]);
  useEffect(() => {
    const known = packets.current;
    return () => removeAll(known);
  }, []);
  useEffect(() => {
    removeAll(packets.current);
    places.current = stage.current ? placesIn(stage.current) : new Map();
  }, [layout, stage]);
  useEffect(() => {
    const [over, known] = [layer.current, packets.current];
    if (!over) return;
    const trips = new Set(travelling.split("\n").filter(Boolean));
    for (const [trip, { element }] of known)
      if (!trips.has(trip)) {
        element.remove();
        known.delete(trip);
      }
    for (const trip of trips) {
      const [id, state] = trip.split(" ") as [string, string];
      const [centre, device] = [places.current.get(""), places.current.get(id)];
      if (known.has(trip) || !centre || !device) continue;
      const element = document.createElement("span");
      element.className = "packet";
      over.append(element);
      const [from, to] = state === "downloading" ? [centre, device] : [device, centre];
      const packet = { element, way: wayBetween(from, to, steps), step: 0 };
      put(packet);
      known.set(trip, packet);
    }
  }, [travelling, layout]);

  return <div class="packets" ref={layer} aria-hidden="true" />;
}

/** How often the field or a tile has changed its size. @param contents which there are */
function useResizes(field: RefObject<HTMLElement | null>, contents: string): number {
  const count = useSignal(0);
  useEffect(() => {
    if (field.current === null) return;
    const resized = new ResizeObserver(() => {
      count.value += 1;
    });
    for (const element of [field.current, ...field.current.children]) resized.observe(element);
    return () => resized.disconnect();
  }, [field, count, contents]);
  return count.value;
}

function useReducedMotion(): boolean {
  const wanted = useMemo(() => matchMedia("(prefers-reduced-motion: reduce)"), []);
  const isReduced = useSignal(wanted.matches);
  useEffect(() => {
    const follow = (): void => {
      isReduced.value = wanted.matches;
    };
    wanted.addEventListener("change", follow);
    return () => wanted.removeEventListener("change", follow);
  }, [wanted, isReduced]);
  return isReduced.value;
}

function move(packets: ReadonlyMap<string, Packet>): void {
  for (const packet of packets.values()) {
    packet.step = (packet.step + 1) % packet.way.length;
    put(packet);
  }
}

function put({ element, way, step }: Packet): void {
  element.style.transform = way[step] as string;
}

function wayBetween(from: Place, to: Place, steps: number): readonly string[] {
  return Array.from({ length: steps + 1 }, (_, step) => {
    const at = (axis: "x" | "y"): number => from[axis] + ((to[axis] - from[axis]) * step) / steps;
    return `translate(${at("x")}px, ${at("y")}px)`;
  });
}

function removeAll(packets: Map<string, Packet>): void {
  for (const { element } of packets.values()) element.remove();
  packets.clear();
}

/** Centres by device, and the coordinator's without a name: all read at once, so that the page is laid out once. */
function placesIn(field: HTMLElement): ReadonlyMap<string, Place> {
  const origin = field.getBoundingClientRect();
  return new Map(
    [...field.querySelectorAll<HTMLElement>("[data-coordinator], [data-device]")].map((element) => {
      const { x, y, width, height } = element.getBoundingClientRect();
      const place = { x: x + width / 2 - origin.x, y: y + height / 2 - origin.y };
      return [element.dataset.device ?? "", place] as const;
    }),
  );
}

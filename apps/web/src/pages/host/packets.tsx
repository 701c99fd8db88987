/**
 * Sub-adapters on their way: a small square between the coordinator and each device that receives or sends. They move a
 * few times a second and all together: a running animation, the browser's own too, has the page's main thread make every
 * frame of the screen, and without a GPU the processor draws them, which has devices to train.
 */
import type { ParticipantView } from "@fedlodrop/protocol";
import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";

/** Between steps; of a full room's packets, which are more to draw, as of its other news. */
const [STEP_MS, FULL_ROOM_STEP_MS] = [120, 240];
const FULL_ROOM = 24;
const STEPS_PER_TRIP = 8;

interface PacketsProps {
  readonly participants: readonly ParticipantView[];
  /** Holds an element with data-coordinator and one with data-device for each device. */
  readonly stage: RefObject<HTMLElement | null>;
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

export function Packets({ participants, stage }: PacketsProps) {
  const layer = useRef<HTMLDivElement>(null);
  const packets = useRef(new Map<string, Packet>());
  const places = useRef<ReadonlyMap<string, Place>>(new Map());
  const resizes = useResizes(stage, participants.map(({ id }) => id).join(" "));
  const travelling = useReducedMotion() ? "" : participants.flatMap(tripOf).join("\n");
  // Tiles stand elsewhere when there are others, and when there is more or less room; words that take more lines make theirs higher.
  const layout = [resizes, ...participants.map(({ id }) => id)].join(" ");

  const stepMs = participants.length > FULL_ROOM ? FULL_ROOM_STEP_MS : STEP_MS;

  useEffect(() => {
    const timer = setInterval(() => move(packets.current), stepMs);
    return () => clearInterval(timer);
  }, [stepMs]);
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
      const packet = { element, way: wayBetween(from, to), step: 0 };
      put(packet);
      known.set(trip, packet);
    }
  }, [travelling, layout]);

  return <div class="packets" ref={layer} aria-hidden="true" />;
}

/** How often the field or a tile has changed its size. @param tiles which there are */
function useResizes(field: RefObject<HTMLElement | null>, tiles: string): number {
  const count = useSignal(0);
  useEffect(() => {
    if (field.current === null) return;
    const resized = new ResizeObserver(() => {
      count.value += 1;
    });
    for (const element of [field.current, ...field.current.children]) resized.observe(element);
    return () => resized.disconnect();
  }, [field, count, tiles]);
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

function wayBetween(from: Place, to: Place): readonly string[] {
  return Array.from({ length: STEPS_PER_TRIP + 1 }, (_, step) => {
    const at = (axis: "x" | "y"): number => from[axis] + ((to[axis] - from[axis]) * step) / STEPS_PER_TRIP;
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

/**
 * The host page: `/host#key=…`, as the coordinator prints it. The key stays in the address's fragment, which browsers
 * do not send, and goes to the coordinator in the Socket.IO handshake.
 */
import { render } from "preact";
import { connectHost } from "./connection.ts";
import { HostPage, KeyMissing } from "./page.tsx";

const root = document.getElementById("app") as HTMLElement;

function start(): void {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  render(key ? <HostPage host={connectHost(key)} /> : <KeyMissing />, root);
}

start();
// Typing the key into an open page changes the fragment only.
addEventListener("hashchange", () => location.reload());

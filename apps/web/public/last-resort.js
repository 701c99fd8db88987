/* Says why a page could not start, where its own scripts cannot. Old JavaScript on purpose, and a file of its own because
   the pages allow no inline scripts. */
addEventListener(
  "error",
  (event) => {
    const place = document.getElementById("not-started");
    if (!place) return;
    const why = event.message || "one of its files could not be loaded";
    place.className = "card narrow notice bad";
    place.textContent = `This page could not start: ${why}. Reload it, or try a current version of Chrome, Edge, Firefox or Safari.`;
  },
  true,
);

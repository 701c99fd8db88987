/* Says why a page could not start, where its own scripts cannot. Old JavaScript on purpose, and a file of its own because
   the pages allow no inline scripts. It has both languages: what loads the right one may be what is missing. */
const chinese = /^zh/i.test(navigator.language);

addEventListener(
  "error",
  (event) => {
    const place = document.getElementById("not-started");
    if (!place) return;
    const why = event.message || (chinese ? "有一个文件无法加载" : "one of its files could not be loaded");
    place.closest("main").className = "";
    place.className = "notice bad";
    place.textContent = chinese
      ? `此页面无法启动：${why}。请重新加载，或使用最新版本的 Chrome、Edge、Firefox 或 Safari。`
      : `This page could not start: ${why}. Reload it, or try a current version of Chrome, Edge, Firefox or Safari.`;
  },
  true,
);

if (chinese)
  addEventListener("DOMContentLoaded", () => {
    document.documentElement.lang = "zh-Hans";
    const place = document.getElementById("not-started");
    if (place)
      place.textContent =
        "此页面尚未启动。如果一直如此，可能是浏览器版本太旧：请使用最新版本的 Chrome、Edge、Firefox 或 Safari。";
  });

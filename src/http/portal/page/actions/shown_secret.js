// A secret that is shown once: masked until somebody asks to see it, and not left behind by mistake.
(() => {
  "use strict";
  // Without a script nothing is masked.
  document.documentElement.classList.add("script");
  document.addEventListener("DOMContentLoaded", () => {
    const page = document.querySelector("[data-shown-once]");
    if (!page) return;
    for (const button of page.querySelectorAll("[data-reveal]")) {
      button.hidden = false;
      button.addEventListener("click", () => {
        const isMasked = button.parentElement.querySelector("code").classList.toggle("masked");
        button.textContent = isMasked ? "Reveal" : "Hide";
      });
    }
    let isStored = false;
    for (const link of page.querySelectorAll("[data-stored]")) link.addEventListener("click", () => { isStored = true; });
    addEventListener("beforeunload", (event) => { if (!isStored) event.preventDefault(); });
    // A browser may keep the page in memory, and show it again to whoever goes back.
    addEventListener("pagehide", () => { for (const code of document.querySelectorAll("main code")) code.textContent = ""; });
    addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  });
})();

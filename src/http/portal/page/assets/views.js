// How lists, charts and forms behave that work without the script too.
(() => {
  "use strict";
  const isTyping = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;

  // The theme, before anything is drawn.
  const THEMES = ["system", "light", "dark"];
  const stored = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const apply = (theme) => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  };
  let theme = THEMES.includes(stored()) ? stored() : "system";
  apply(theme);

  // A button that shows and hides what it controls; Esc and a click elsewhere hide it.
  const toggles = (button, part) => {
    const show = (isShown) => {
      button.setAttribute("aria-expanded", String(isShown));
      part.hidden = !isShown;
    };
    button.addEventListener("click", () => show(part.hidden));
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || part.hidden || button.hidden) return;
      show(false);
      button.focus();
    });
    document.addEventListener("click", (event) => {
      if (!part.hidden && !button.hidden && !part.contains(event.target) && !button.contains(event.target)) show(false);
    });
    return show;
  };

  const themeMenu = (menu) => {
    const show = toggles(menu.querySelector("[aria-controls]"), menu.querySelector("[role=group]"));
    const choices = [...menu.querySelectorAll("[data-theme-is]")];
    const mark = () => choices.forEach((it) => it.setAttribute("aria-pressed", String(it.dataset.themeIs === theme)));
    for (const choice of choices) {
      choice.addEventListener("click", () => {
        theme = choice.dataset.themeIs;
        apply(theme);
        mark();
        show(false);
        menu.querySelector("[aria-controls]").focus();
        try { localStorage.setItem("theme", theme); } catch { /* then only for this page */ }
      });
    }
    mark();
    menu.hidden = false;
  };

  // On a phone the navigation is behind a button.
  const navigationMenu = (button) => {
    const [navigation, narrow] = [document.getElementById("navigation"), matchMedia("(max-width: 50rem)")];
    const show = toggles(button, navigation);
    const fit = () => {
      button.hidden = !narrow.matches;
      show(!narrow.matches);
    };
    navigation.classList.add("menu-list");
    narrow.addEventListener("change", fit);
    fit();
  };

  // `/` goes to the search of the page.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const search = document.querySelector("main input[type=search]");
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
  });

  // What a closed part of a form hides cannot be filled in: it opens.
  document.addEventListener("invalid", (event) => {
    for (let part = event.target.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
  }, true);

  // A table becomes a list of cards on a phone, and stays a table to those who do not see it.
  const stack = (table) => {
    const heads = [...table.querySelectorAll("thead th")].map((th) => th.textContent.trim());
    const roles = { table: [table], rowgroup: table.querySelectorAll("thead, tbody"), row: table.rows };
    for (const [role, elements] of Object.entries(roles)) for (const element of elements) element.setAttribute("role", role);
    for (const cell of table.querySelectorAll("th, td")) {
      const scopes = { col: "columnheader", row: "rowheader" };
      cell.setAttribute("role", scopes[cell.getAttribute("scope")] ?? "cell");
      if (cell.tagName === "TD") cell.dataset.label = heads[cell.cellIndex] ?? "";
    }
    table.classList.add("stacked");
  };

  // Only what scrolls takes the focus.
  const focusIfScrolls = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const scrolls = target.scrollWidth > target.clientWidth || target.scrollHeight > target.clientHeight;
      if (scrolls) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });

  // A link to a field that is folded away opens what hides it.
  const unfold = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (!target?.closest("details:not([open])")) return;
    for (let part = target.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", unfold);

  // The value of the column below the pointer, in the place of the sum.
  const read = (svg) => {
    const values = svg.dataset.values.split(",").map(Number);
    const [start, step] = [Number(svg.dataset.start), Number(svg.dataset.step)];
    const shown = svg.closest("figure").querySelector("strong");
    const sum = shown.textContent;
    svg.addEventListener("pointermove", (event) => {
      const { left, width } = svg.getBoundingClientRect();
      const n = Math.min(values.length - 1, Math.max(0, Math.floor(((event.clientX - left) / width) * values.length)));
      const at = new Date((start + n * step) * 1000).toISOString().slice(0, 16).replace("T", " ");
      shown.className = "value";
      shown.textContent = `${at} UTC: ${values[n].toLocaleString("en")}`;
    });
    svg.addEventListener("pointerleave", () => {
      shown.className = "";
      shown.textContent = sum;
    });
  };

  const enhance = (part) => {
    for (const table of part.querySelectorAll(".table > table")) stack(table);
    for (const scrolling of part.querySelectorAll(".table, pre")) focusIfScrolls.observe(scrolling);
    for (const svg of part.querySelectorAll("svg[data-values]")) read(svg);
  };

  // A part of a page that is fetched again and again, unless somebody is busy in it. The server does not take that for use
  // of the session.
  const refresh = async (part) => {
    if (document.hidden || part.matches(":hover, :focus-within") || part.querySelector("details[open]")) return;
    const answer = await fetch(location.href, { headers: { "x-refresh": "1" } });
    if (answer.redirected) location.reload();
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("[data-live]");
    if (!fresh) return;
    part.replaceChildren(...fresh.childNodes);
    enhance(part);
    part.dispatchEvent(new CustomEvent("refreshed", { bubbles: true }));
  };

  document.addEventListener("DOMContentLoaded", () => {
    unfold();
    for (const menu of document.querySelectorAll("[data-themes]")) themeMenu(menu);
    for (const button of document.querySelectorAll("[data-navigation]")) navigationMenu(button);
    for (const part of document.querySelectorAll("[data-live]")) {
      // Without the server the next time may do.
      setInterval(() => refresh(part).catch(() => {}), Number(part.dataset.live) * 1000);
    }
    enhance(document);
  });
})();

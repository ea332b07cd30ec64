// Questions: the page that asks is shown as a dialog on the page that leads to it. Without this it is a page of its own.
(() => {
  "use strict";
  /** The page may have the same ids. */
  const rename = (question) => {
    for (const element of question.querySelectorAll("[id]")) element.id = `dialog-${element.id}`;
    for (const label of question.querySelectorAll("label[for]")) label.htmlFor = `dialog-${label.htmlFor}`;
    for (const field of question.querySelectorAll("[aria-describedby]")) {
      const ids = field.getAttribute("aria-describedby").split(" ");
      field.setAttribute("aria-describedby", ids.map((id) => `dialog-${id}`).join(" "));
    }
  };
  const show = (question) => {
    const dialog = document.createElement("dialog");
    rename(question);
    dialog.setAttribute("aria-labelledby", question.querySelector("h1").id);
    dialog.append(document.adoptNode(question));
    for (const link of dialog.querySelectorAll("[data-close]")) {
      link.addEventListener("click", (event) => { event.preventDefault(); dialog.close(); });
    }
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  };
  /** Shows the page that answers as a dialog; if it asks nothing, it is opened. */
  const ask = async (url, request, open) => {
    try {
      const answer = await fetch(url, request);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const question = answer.ok ? page.querySelector("[data-question]") : null;
      if (question) show(question);
      else open();
    } catch { open(); }
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-ask]");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    ask(link.href, {}, () => location.assign(link.href));
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-ask]");
    if (!form) return;
    event.preventDefault();
    ask(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) }, () => form.submit());
  });
})();

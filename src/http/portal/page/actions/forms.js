// Forms that were not accepted: the first wrong field is seen and has the focus, wherever it stands.
(() => {
  "use strict";
  document.addEventListener("DOMContentLoaded", () => {
    const wrong = document.querySelectorAll("[aria-invalid=true]");
    for (const field of wrong) {
      for (let box = field.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
    }
    wrong[0]?.focus();
    // The list of errors names fields as people see them.
    for (const link of document.querySelectorAll(".wrong a")) {
      const label = document.querySelector(`label[for="${CSS.escape(link.hash.slice(1))}"]`);
      if (label) link.textContent = label.textContent;
    }
  });
})();

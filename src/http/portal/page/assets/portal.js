// What pages can do without, and are nicer with: copying, and how long ago a time is; and passkeys, which need it.
(() => {
  "use strict";
  const ago = (at) => {
    const seconds = Math.round((Date.parse(at) - Date.now()) / 1000);
    const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
    const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) || units[3];
    return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(Math.round(seconds / size), unit);
  };

  document.addEventListener("DOMContentLoaded", () => {
    // Where the navigation is a line that scrolls, one sees where one is.
    const here = document.querySelector(".side [aria-current]");
    // Once: a telephone resizes the window whenever its keyboard or its address bar comes or goes.
    here?.scrollIntoView({ block: "nearest", inline: "center" });
    for (const button of document.querySelectorAll("[data-copy]")) {
      const label = button.textContent;
      button.hidden = false;
      button.addEventListener("click", async () => {
        const value = document.getElementById(button.dataset.copy) ?? button.parentElement.querySelector("code");
        try {
          await navigator.clipboard.writeText(value.textContent);
          button.textContent = "Copied";
        } catch {
          getSelection().selectAllChildren(value);
          button.textContent = "Selected";
        }
        setTimeout(() => { button.textContent = label; }, 2000);
      });
    }
    const tellTimes = (part) => {
      for (const time of part.querySelectorAll("time[datetime]")) {
        if ("exact" in time.dataset) time.title = ago(time.dateTime);
        else [time.title, time.textContent] = [time.textContent, ago(time.dateTime)];
      }
    };
    tellTimes(document);
    document.addEventListener("refreshed", (event) => tellTimes(event.target));
    for (const area of document.querySelectorAll("textarea.json")) {
      const hint = document.getElementById(`${area.id}-hint`);
      const usual = hint.textContent;
      hint.setAttribute("aria-live", "polite");
      area.addEventListener("input", () => {
        let problem = "";
        try {
          const value = area.value.trim() && JSON.parse(area.value);
          if (value !== "" && (typeof value !== "object" || value === null || Array.isArray(value))) problem = "This is JSON, but not an object.";
        } catch (error) { problem = error.message; }
        area.setCustomValidity(problem);
        area.setAttribute("aria-invalid", String(problem !== ""));
        hint.textContent = problem || usual;
        hint.classList.toggle("bad", problem !== "");
      });
    }
    for (const field of document.querySelectorAll("[data-file]")) {
      field.hidden = false;
      field.querySelector("input").addEventListener("change", async (event) => {
        const [file] = event.target.files;
        if (file) document.getElementById(field.dataset.file).value = await file.text();
      });
    }
    for (const form of document.querySelectorAll("form[data-passkey]")) {
      const [button, problem] = [form.querySelector("button"), form.querySelector("[role=alert]")];
      const tell = (text) => { problem.textContent = text; problem.hidden = text === ""; };
      if (!globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON) {
        tell("This browser does not support passkeys.");
        continue;
      }
      button.disabled = false;
      if (form.dataset.passkey === "get") button.focus();
      form.addEventListener("submit", async (event) => {
        event.preventDefault();
        tell("");
        button.disabled = true;
        try {
          const { publicKey } = JSON.parse(form.dataset.options);
          const answer = form.dataset.passkey === "create"
            ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey) })
            : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey) });
          form.elements.response.value = JSON.stringify(answer);
          form.submit();
        } catch (error) {
          button.disabled = false;
          tell(error.name === "InvalidStateError" ? "This passkey is already added." : "The passkey was cancelled, or took too long.");
        }
      });
    }
  });
})();

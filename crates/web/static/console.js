// The console works without this file. It saves steps: copying, leaving a form with changes, and looking up a name while it
// is typed.
"use strict";
(() => {
  const body = document.body;
  const status = document.createElement("p");
  status.className = "toast toast-late";
  status.setAttribute("role", "status");
  status.hidden = true;
  body.append(status);
  let hiding;
  const say = (text) => {
    status.textContent = text;
    status.hidden = false;
    clearTimeout(hiding);
    hiding = setTimeout(() => { status.hidden = true; }, 2500);
  };

  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const source = document.getElementById(button.dataset.copy);
      if (!source) return;
      const text = source.value ?? source.textContent;
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        const range = document.createRange();
        range.selectNodeContents(source);
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        document.execCommand("copy");
      }
      say(body.dataset.copied);
    });
  }

  // Leaving a form whose fields were changed.
  // What only a preview reads is no change.
  const state = (form) => new URLSearchParams([...new FormData(form)].filter(([name]) => !name.startsWith("preview_"))).toString();
  const watched = [...document.querySelectorAll("form[method=post]:not([data-plain])")].map((form) => [form, state(form)]);
  let leaving = false;
  const changed = () => watched.some(([form, before]) => form.isConnected && state(form) !== before);
  for (const [form, before] of watched) {
    const mark = form.querySelector("[data-unsaved-mark]");
    const look = () => { if (mark) mark.hidden = state(form) === before; };
    form.addEventListener("input", look);
    form.addEventListener("change", look);
  }
  addEventListener("submit", (event) => { leaving = !event.submitter?.formTarget; });
  addEventListener("pageshow", () => { leaving = false; });
  addEventListener("beforeunload", (event) => {
    if (!leaving && changed()) {
      event.preventDefault();
      event.returnValue = body.dataset.unsaved;
    }
  });

  // Where a row of links is wider than the screen, the one that is open is brought into it.
  for (const here of document.querySelectorAll(":is(.tabs, .rail) [aria-current]")) {
    const row = here.closest(".tabs, .rail");
    const middle = (box) => { const { left, width } = box.getBoundingClientRect(); return left + width / 2; };
    row.scrollLeft += middle(here) - middle(row);
  }

  // Menus close by Escape and by a click beside them.
  addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  // What the server says of a value while it is typed.
  for (const input of document.querySelectorAll("input[data-check]")) {
    const note = document.getElementById(input.dataset.note);
    let waiting;
    let asked = 0;
    input.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(async () => {
        const number = ++asked;
        try {
          const answer = await fetch(`${input.dataset.check}?value=${encodeURIComponent(input.value)}`, { headers: { accept: "application/json" } });
          const told = await answer.json();
          if (number !== asked || !note) return;
          note.textContent = told.text;
          note.classList.toggle("note-bad", !told.good);
          note.classList.toggle("note-good", told.good);
        } catch {
          // The form says it when it is sent.
        }
      }, 250);
    });
  }

  // A colour can be picked as well as typed.
  for (const pick of document.querySelectorAll("[data-color]")) {
    const input = document.getElementById(pick.dataset.color);
    const follow = () => { if (/^#[0-9a-f]{6}$/i.test(input.value)) pick.value = input.value; };
    follow();
    pick.hidden = input.readOnly;
    input.addEventListener("input", follow);
    pick.addEventListener("input", () => { input.value = pick.value; });
  }

  // A preview follows what is typed. Each is a frame of its own, with a name of its own, so that going back does not go
  // through all of them.
  for (const button of document.querySelectorAll("button[formtarget]")) {
    button.hidden = true;
    let number = 0;
    const show = () => {
      const [old] = document.getElementsByName(button.formTarget);
      const next = old.cloneNode();
      next.removeAttribute("src");
      next.name = button.formTarget = `preview-${++number}`;
      old.after(next);
      next.addEventListener("load", () => old.remove(), { once: true });
      button.form.requestSubmit(button);
    };
    let waiting;
    addEventListener("input", (event) => {
      if (event.target.form !== button.form) return;
      clearTimeout(waiting);
      waiting = setTimeout(show, 300);
    });
  }

  // A preset ticks boxes; what it does is on the page as well, so that it can be done by hand.
  for (const button of document.querySelectorAll("[data-preset]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const values = JSON.parse(button.dataset.preset);
      const form = button.closest("form");
      for (const [name, value] of Object.entries(values)) {
        for (const field of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
          if (field.type === "checkbox") field.checked = value === true;
          else if (field.type === "radio") field.checked = field.value === value;
          else field.value = value;
        }
      }
      form.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }
})();

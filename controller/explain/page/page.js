"use strict";

// Hides the paths that don't have the text of the filter.
const filter = document.getElementById("filter");
const hide = () => {
  const text = filter.value.toLowerCase();
  for (const host of document.querySelectorAll(".host")) {
    const named = host.querySelector("h2").textContent.toLowerCase().includes(text);
    let shown = false;
    for (const path of host.querySelectorAll(".path")) {
      path.hidden = !named && !path.textContent.toLowerCase().includes(text);
      shown ||= !path.hidden;
    }
    host.hidden = !shown;
  }
};
filter.addEventListener("input", hide);
filter.value = new URLSearchParams(location.search).get("filter") ?? "";
hide();

// Loads the page again when the manifests have changed.
const follow = async () => {
  try {
    const reply = await fetch("/changes");
    if (reply.status === 204) {
      location.reload();
      return;
    }
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
  follow();
};
follow();

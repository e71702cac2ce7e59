// <lineside-alerts board="https://board…" token="…" [lang="de"] [theme="dark"]></lineside-alerts>
// The stations of a line, live, on a page of another system. It only shows: nothing can be answered from here. It speaks
// the language of its attribute, without one that of the plan; the board puts its words by language in here.
"use strict";
(() => {
  const STYLE = `
    :host { display: block; font: 16px/1.4 system-ui, sans-serif; color: #1d2125; background: #eceeef; padding: 8px; }
    :host([theme="dark"]) { color: #e8eaed; background: #24282c; }
    ul { list-style: none; margin: 0; padding: 0; display: grid; gap: 6px; }
    li { padding: 8px 12px; border-left: 6px solid transparent; background: rgb(127 127 127 / 12%); }
    li[data-state="alarm"] { border-left: 6px double #c62828; }
    li[data-state="advisory"] { border-left: 6px dashed #b26a00; }
    li[data-stale] { opacity: .75; font-style: italic; }
    b { margin-right: 8px; } small { display: block; } .mark { font-weight: 700; margin-right: 6px; }
    .lost { font-weight: 700; }
  `;
  const WORDS = {};
  const MARKS = { critical: "▲1", high: "◆2", advisory: "●i" };
  const RETRY = 3000;
  const LOST_AFTER = 15000;

  class LinesideAlerts extends HTMLElement {
    static observedAttributes = ["lang"];

    // Another language: what is shown is asked for again.
    attributeChangedCallback(name, before, after) {
      if (!this.isConnected || before === after) return;
      this.stop?.abort();
      this.open();
    }

    connectedCallback() {
      const root = this.shadowRoot || this.attachShadow({ mode: "open" });
      const style = new CSSStyleSheet();
      style.replaceSync(STYLE);
      root.adoptedStyleSheets = [style];
      root.innerHTML = "";
      this.status = document.createElement("p");
      this.status.setAttribute("role", "status");
      this.list = document.createElement("ul");
      root.append(this.status, this.list);
      this.heard = 0;
      this.timer = setInterval(() => this.tick(), 1000);
      this.open();
    }

    disconnectedCallback() {
      clearInterval(this.timer);
      this.stop?.abort();
    }

    // A token belongs into a header, not into an address that ends up in logs: so no EventSource.
    async open() {
      this.stop = new AbortController();
      try {
        const wish = encodeURIComponent(this.getAttribute("lang") || "");
        const answer = await fetch(`${this.getAttribute("board").replace(/[/]$/, "")}/andon?stream=1&language=${wish}`, {
          headers: { Authorization: `Bearer ${this.getAttribute("token")}` }, signal: this.stop.signal, mode: "cors",
        });
        if (!answer.ok) throw new Error(String(answer.status));
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        let text = "";
        for (;;) {
          const { value, done } = await reader.read();
          if (done) break;
          this.heard = performance.now();
          text += value;
          const events = text.split("\n\n");
          text = events.pop();
          for (const event of events) {
            const data = event.split("\n").find((line) => line.startsWith("data: "));
            if (data) this.show(JSON.parse(data.slice(6)));
          }
        }
      } catch (error) {
        if (error.name === "AbortError") return;
        this.problem = error.message;
      }
      setTimeout(() => { if (this.isConnected) this.open(); }, RETRY);
    }

    get words() {
      const wish = (this.getAttribute("lang") || "").toLowerCase().split("-")[0];
      return WORDS[wish] || WORDS[this.language] || WORDS.en;
    }

    tick() {
      const lost = performance.now() - this.heard > LOST_AFTER;
      this.status.className = lost ? "lost" : "";
      this.status.textContent = lost ? this.words.lost + (this.problem ? ` (${this.problem})` : "") : "";
    }

    show(line) {
      this.problem = "";
      this.language = line.language;
      this.list.lang = line.language;
      this.list.replaceChildren(...line.stations.map((station) => {
        const row = document.createElement("li");
        row.dataset.state = station.state;
        if (station.stale) row.dataset.stale = "";
        const mark = document.createElement("span");
        mark.className = "mark";
        mark.textContent = station.state === "alarm" ? MARKS[station.priority] || "" : "";
        const name = document.createElement("b");
        name.textContent = station.label;
        const words = document.createElement("span");
        words.textContent = [station.characteristic, this.words[station.state]].filter(Boolean).join(": ");
        row.append(mark, name, words);
        for (const text of [station.text, station.step]) {
          if (!text) continue;
          const more = document.createElement("small");
          more.textContent = text;
          row.append(more);
        }
        return row;
      }));
      this.tick();
    }
  }
  customElements.define("lineside-alerts", LinesideAlerts);
})();

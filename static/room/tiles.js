// The tiles: which are to be seen, how large, and what each of them says.
import { grid, PER_PAGE, speaker } from "./layout.js";
import { byId, copyOf, find, write } from "./page.js";

/** @typedef {{key: string, person: Person, track?: LiveTrack, screen: boolean}} Tile */

const QUALITIES = /** @type {Partial<Record<Quality, string>>} */ ({
  poor: "Weak connection",
  lost: "Connection lost",
});

/** What everybody looks like; each change calls `show` with all people. */
export class Tiles {
  constructor() {
    this.root = byId("tiles");
    this.view = "grid";
    this.pinned = "";
    this.page = 0;
    this.hideMe = false;
    this.audioOnly = false;
    this.lastSpeaker = "";
    /** @type {Person[]} */
    this.people = [];
    /** @type {Map<string, HTMLElement>} */
    this.shown = new Map();
    /** @type {WeakMap<HTMLElement, {track: LiveTrack, element: HTMLMediaElement}>} */
    this.pictures = new WeakMap();
    new ResizeObserver(() => this.show()).observe(this.root);
    byId("page-before").addEventListener("click", () => this.turnPage(-1));
    byId("page-after").addEventListener("click", () => this.turnPage(1));
  }

  /** @param {Person[]} [people] */
  show(people = this.people) {
    this.people = people;
    const speaking = people.find(({ speaking, me }) => speaking && !me);
    if (speaking) this.lastSpeaker = speaking.identity;
    const tiles = people.flatMap(tilesOf).filter(({ person, screen }) => screen || !this.#isHidden(person));
    const main = this.#main(tiles);
    const placed = main ? this.#speaker(main, tiles) : this.#grid(tiles);
    this.#place(placed, main);
  }

  /** @param {string} view */
  setView(view) {
    this.view = view;
    this.page = 0;
  }

  /** @param {number} step */
  turnPage(step) {
    this.page += step;
    this.show();
  }

  /** @param {string} key */
  pin(key) {
    this.pinned = this.pinned === key ? "" : key;
    this.show();
  }

  /** @param {Person} person */
  #isHidden({ me }) {
    return me && this.hideMe && this.people.length > 1;
  }

  /**
   * The large tile: what was pinned, else a screen; in the speaker view whoever spoke last, else another than oneself.
   * @param {Tile[]} tiles
   */
  #main(tiles) {
    const chosen = tiles.find(({ key }) => key === this.pinned) ?? tiles.find(({ screen }) => screen);
    if (chosen || this.view === "grid") return chosen;
    const spoke = tiles.find(({ person }) => person.identity === this.lastSpeaker);
    return spoke ?? tiles.find(({ person }) => !person.me) ?? tiles[0];
  }

  /** @param {Tile[]} tiles */
  #grid(tiles) {
    const some = this.#onPage(tiles, PER_PAGE);
    const boxes = grid(some.length, this.#space());
    return some.map((tile, n) => ({ tile, box: boxes[n] }));
  }

  /**
   * @param {Tile} main
   * @param {Tile[]} tiles
   */
  #speaker(main, tiles) {
    const others = tiles.filter((tile) => tile !== main);
    const boxes = speaker(others.length, this.#space());
    const some = this.#onPage(others, boxes.strip.length);
    const strip = speaker(some.length, this.#space()).strip;
    return [{ tile: main, box: boxes.main }, ...some.map((tile, n) => ({ tile, box: strip[n] ?? boxes.strip[n] }))];
  }

  #space() {
    return { x: 0, y: 0, width: this.root.clientWidth, height: this.root.clientHeight };
  }

  /**
   * The tiles of the page that is open, which may be gone meanwhile.
   * @param {Tile[]} tiles
   * @param {number} size
   */
  #onPage(tiles, size) {
    const pages = Math.max(1, Math.ceil(tiles.length / Math.max(1, size)));
    this.page = Math.min(Math.max(this.page, 0), pages - 1);
    byId("pages").hidden = pages < 2;
    write(byId("page-number"), `Page ${this.page + 1} of ${pages}`);
    byId("page-before", HTMLButtonElement).disabled = this.page === 0;
    byId("page-after", HTMLButtonElement).disabled = this.page === pages - 1;
    return tiles.slice(this.page * size, (this.page + 1) * size);
  }

  /**
   * @param {{tile: Tile, box: ReturnType<typeof grid>[number]}[]} placed
   * @param {Tile | undefined} main
   */
  #place(placed, main) {
    const wanted = new Set(placed.map(({ tile }) => tile.key));
    for (const [key, element] of this.shown) {
      if (!wanted.has(key)) this.#remove(key, element);
    }
    placed.forEach(({ tile, box }, n) => {
      const element = this.shown.get(tile.key) ?? this.#add(tile);
      // Moved only where the order is another: a moved picture blinks, and loses the focus.
      if (this.root.children[n] !== element) this.root.insertBefore(element, this.root.children[n] ?? null);
      const { style } = element;
      style.transform = `translate(${Math.round(box.x)}px, ${Math.round(box.y)}px)`;
      style.width = `${Math.floor(box.width)}px`;
      style.height = `${Math.floor(box.height)}px`;
      element.classList.toggle("tile-small", box.width < 150 || box.height < 80);
      element.classList.toggle("tile-main", tile === main);
      this.#fill(element, tile);
    });
  }

  /** @param {Tile} tile */
  #add({ key }) {
    const element = copyOf("tile-template");
    find(element, ".tile-pin").addEventListener("click", () => this.pin(key));
    this.shown.set(key, element);
    return element;
  }

  /**
   * @param {string} key
   * @param {HTMLElement} element
   */
  #remove(key, element) {
    this.#picture(element, undefined);
    this.shown.delete(key);
    element.remove();
  }

  /**
   * @param {HTMLElement} element
   * @param {Tile} tile
   */
  #fill(element, { key, person, track, screen }) {
    const name = screen ? `${person.name}'s screen` : person.me ? `${person.name} (you)` : person.name;
    write(find(element, ".tile-name"), name);
    write(find(element, ".tile-face"), person.name.slice(0, 1));
    element.classList.toggle("tile-speaking", person.speaking && !screen);
    element.classList.toggle("tile-mirrored", person.me && !screen);
    element.classList.toggle("tile-screen", screen);
    mark(element, "teacher", person.teacher && !screen);
    mark(element, "muted", person.muted && !screen);
    mark(element, "hand", person.hand && !screen);
    mark(element, "quality", Boolean(QUALITIES[person.quality]) && !screen);
    write(find(element, "[data-mark=quality] span"), QUALITIES[person.quality] ?? "");
    const pin = find(element, ".tile-pin");
    pin.setAttribute("aria-pressed", String(this.pinned === key));
    pin.setAttribute("aria-label", `Pin ${name}`);
    this.#picture(element, this.audioOnly && !person.me && !screen ? undefined : track);
  }

  /**
   * Show a track in a tile, or none; what nobody sees is not sent.
   * @param {HTMLElement} element
   * @param {LiveTrack | undefined} track
   */
  #picture(element, track) {
    const before = this.pictures.get(element);
    if (before?.track === track) return;
    if (before) {
      before.track.detach(before.element);
      before.element.remove();
      this.pictures.delete(element);
    }
    if (!track) return;
    const picture = track.attach();
    picture.setAttribute("aria-hidden", "true");
    find(element, ".tile-picture").append(picture);
    this.pictures.set(element, { track, element: picture });
  }
}

/** @param {Person} person @returns {Tile[]} */
function tilesOf(person) {
  const own = { key: person.identity, person, track: person.camera, screen: false };
  // One's own screen is seen where it is; a picture of it in itself would go on for ever.
  if (!person.screen || person.me) return [own];
  return [{ key: `${person.identity} screen`, person, track: person.screen, screen: true }, own];
}

/**
 * @param {HTMLElement} element
 * @param {string} name
 * @param {boolean} on
 */
function mark(element, name, on) {
  find(element, `[data-mark=${name}]`).hidden = !on;
}

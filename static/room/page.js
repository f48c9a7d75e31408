// The elements of the page, which all stand in its template.

/**
 * The element with this id; there is one, or the template is wrong.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @param {new () => T} [kind]
 * @returns {T}
 */
export function byId(id, kind) {
  return /** @type {T} */ (must(document.getElementById(id), `#${id}`, kind));
}

/**
 * The first element inside another that a selector finds.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {ParentNode} within
 * @param {string} selector
 * @param {new () => T} [kind]
 * @returns {T}
 */
export function find(within, selector, kind) {
  return /** @type {T} */ (must(within.querySelector(selector), selector, kind));
}

/**
 * A new copy of the only element in a template.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function copyOf(id) {
  const [first] = byId(id, HTMLTemplateElement).content.children;
  return /** @type {HTMLElement} */ (must(first, id).cloneNode(true));
}

/**
 * @param {Element | null | undefined} found
 * @param {string} what
 * @param {new () => HTMLElement} [kind]
 */
function must(found, what, kind) {
  if (!found || (kind && !(found instanceof kind))) throw new Error(`${what} is missing`);
  return found;
}

/**
 * Write a text, unless it stands there already: a screen reader would start over.
 * @param {Element} element
 * @param {string} text
 */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

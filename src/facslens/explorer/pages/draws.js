/**
 * Faces that were not recorded, where `facslens serve` shows the pages and can draw: it says so on
 * the first page. A folder on a disk says nothing, and has the recorded faces alone.
 */
(function (facslens) {
  "use strict";
  const address = document.documentElement.dataset.draw || "";

  /** Ask the server; what it refuses is an error with its sentence and its status. */
  async function ask(query) {
    let answer;
    try { answer = await fetch(address + query); } catch (gone) { throw Object.assign(new Error("The server does not answer any more."), { status: 0 }); }
    if (!answer.ok) throw Object.assign(new Error((await answer.text()).trim()), { status: answer.status });
    return answer.json();
  }

  let turn = 0, running = Promise.resolve();

  /**
   * Draw a face; one at a time. Gives null where another one was asked for since.
   * @param {string} person @param {string[]} parts such as "AU12=E"
   */
  function face(person, parts) {
    const own = ++turn;
    const found = running.then(async () => {
      if (own !== turn) return null;
      const answer = await ask("?" + new URLSearchParams({ person, face: parts.join("+") }));
      return own === turn ? answer : null;
    });
    running = found.catch(() => null);
    return found;
  }

  /** The face that is under way is no longer wanted. */
  function forget() { turn += 1; }

  facslens.draws = { offered: address !== "", facts: () => ask(""), face, forget };
})(window.facslens);

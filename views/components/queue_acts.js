// Acts by REST, as the session that the browser has. An act is tried again with the same key, so that one whose
// answer was lost is not done twice; crypto.randomUUID does not exist without https.
const TRIES = 3;
const PAUSE_MS = 300;

function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Returns null, or why it was refused.
async function perform(verb, id) {
  const headers = { "Idempotency-Key": newKey() };
  for (let tried = 1; ; tried += 1) {
    const path = `/api/v1/cases/${encodeURIComponent(id)}/${verb}`;
    const answer = await fetch(path, { method: "POST", headers }).catch(() => null);
    if (answer?.ok) return null;
    if (answer?.status === 401) return "Your session has ended: nothing was done. Sign in again.";
    if (answer && answer.status < 500) return (await answer.json().catch(() => ({}))).detail ?? `The server refused it (${answer.status}).`;
    if (tried === TRIES) return "The server does not answer. Look at the exception before you try again.";
    await new Promise((done) => setTimeout(done, PAUSE_MS * 2 ** tried));
  }
}

"use strict";
// Goes on by itself once the wallet has answered; until then the page stays as it is, and so does its reader.
const ask = async () => {
  const answer = await fetch(location.href).catch(() => null);
  if (answer?.redirected) location.replace(answer.url);
  else if (answer && !answer.ok) {
    // What went wrong is told once, and this is it.
    document.open();
    document.write(await answer.text());
    document.close();
  } else setTimeout(ask, 3000);
};
setTimeout(ask, 3000);

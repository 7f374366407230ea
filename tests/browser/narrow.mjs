// Opens pages on a small screen and tells, as JSON, which formulas are wider than it: `node narrow.mjs CHROMIUM PAGE...`.

import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const [executablePath, ...paths] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--no-first-run'] });
const page = await browser.newPage({ viewport: { width: 360, height: 900 } });
const answer = {};
for (const path of paths) {
  await page.goto(pathToFileURL(path).href);
  answer[path] = await page.evaluate(() => {
    const formulas = [...document.querySelectorAll('.wide, .row strong')].filter((e) => e.querySelector('math'));
    const wide = formulas.filter((e) => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline');
    return { count: formulas.length, wide: wide.map((e) => e.textContent),
      page: document.documentElement.scrollWidth - document.documentElement.clientWidth };
  });
}
await browser.close();
process.stdout.write(JSON.stringify(answer));

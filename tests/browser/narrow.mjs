// Opens pages on a small screen and tells, as JSON, what is wider than it: `node narrow.mjs CHROMIUM PAGE...`.
// `picture`: whether the node in work is in view in the picture at each of the first steps, and all of it when asked for.

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
    const scrolls = (e) => e.scrollWidth > e.clientWidth + 1 && ['auto', 'scroll', 'hidden'].includes(getComputedStyle(e).overflowX);
    const scrolled = [...document.querySelectorAll('body, body *')].filter((e) => !e.closest('svg, math') && scrolls(e));
    return { count: formulas.length, wide: wide.map((e) => e.textContent),
      scrolled: scrolled.map((e) => `${e.tagName} ${e.className}: ${e.textContent.slice(0, 60)}`),
      page: document.documentElement.scrollWidth - document.documentElement.clientWidth };
  });
  answer[path].picture = await page.evaluate(() => {
    const picture = document.querySelector('.picture'); const svg = picture?.querySelector('svg');
    if (!svg) return null;
    const seen = [];
    const inside = (e) => {
      const a = svg.getBoundingClientRect(); const b = e.getBoundingClientRect();
      return b.left >= a.left - 1 && b.right <= a.right + 1 && b.top >= a.top - 1 && b.bottom <= a.bottom + 1;
    };
    for (let i = 0; i < 12; i += 1) {
      const box = svg.querySelector('g.now');
      if (box) seen.push(inside(box));
      document.querySelector('nav [data-go=on]').click();
    }
    const button = picture.querySelector('.whole');
    if (!button.hidden) button.click();
    return { seen, whole: [...svg.querySelectorAll('g g')].every(inside), wide: picture.scrollWidth - picture.clientWidth };
  });
}
await browser.close();
process.stdout.write(JSON.stringify(answer));

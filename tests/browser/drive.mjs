// Opens pages in a real browser and tells, as JSON, what a reader meets: `node drive.mjs CHROMIUM PAGE...`.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const require = createRequire(import.meta.url);
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

const lit = (page) => page.evaluate(() => {
  const numbers = (query) => [...document.querySelectorAll(query)].map((e) => e.getAttribute('data-n'));
  const step = document.querySelector('li.now');
  return {
    steps: numbers('li.now'), boxes: [...new Set(numbers('.graph g.now'))],
    lines: numbers('.spec .now'), said: document.getElementById('said')?.textContent,
    kind: step?.getAttribute('data-step'), label: step?.getAttribute('aria-label'),
    value: step?.querySelector('pre.value')?.textContent ?? '', inView: step ? (() => {
      const r = step.getBoundingClientRect(); return r.bottom > 0 && r.top < window.innerHeight; })() : false,
  };
});

async function walk(page) {
  const seen = [await lit(page)];
  const count = await page.evaluate(() => document.querySelectorAll('[data-step]').length);
  for (let i = 1; i < count; i += 1) {
    if (i % 2) await page.locator('nav [data-go=on]').dispatchEvent('click'); else await page.keyboard.press('ArrowRight');
    seen.push(await lit(page));
  }
  const last = await page.evaluate(() => document.querySelector('nav [data-go=on]').disabled);
  await page.keyboard.press('ArrowLeft');
  const back = await lit(page);
  const button = page.locator('nav [data-go=back]');
  if (await button.isEnabled()) await button.click(); // a page of two steps is at its first
  const backAgain = await lit(page);
  await page.keyboard.press('Home');
  return { count, seen, last, back, backAgain, home: await lit(page) };
}

async function hover(page) {
  const name = page.locator('math [data-n]').first();
  if (await name.count() === 0) return null;
  const number = await name.getAttribute('data-n');
  await name.hover();
  return page.evaluate((n) => [...document.querySelectorAll(`[data-n="${n}"]`)].every((e) => e.classList.contains('lit')), number);
}

async function look(browser, path, width, colorScheme) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
  const page = await context.newPage();
  const errors = []; const loaded = [];
  page.on('console', (m) => { if (m.type() === 'error' || m.type() === 'warning') errors.push(m.text()); });
  page.on('pageerror', (e) => errors.push(String(e)));
  page.on('request', (r) => { if (!r.url().startsWith('file:') && !r.url().startsWith('data:')) loaded.push(r.url()); });
  await page.goto(pathToFileURL(path).href);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const found = { width, colorScheme, wide, background, errors, loaded };
  if (width > 1000 && colorScheme === 'light' && await page.locator('nav').count()) { // a question sheet has no steps
    found.walk = await walk(page);
    found.hover = await hover(page);
  }
  await context.close();
  if ((width > 1000) === (colorScheme === 'light')) return { ...found, violations: [] }; // two of the four do
  const checked = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, bypassCSP: true });
  const again = await checked.newPage();
  await again.goto(pathToFileURL(path).href);
  await again.evaluate(axe);
  const result = await again.evaluate(() => window.axe.run());
  found.violations = result.violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 120)}`);
  await checked.close();
  return found;
}

async function withoutScript(browser, path) {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(pathToFileURL(path).href);
  const steps = await page.locator('[data-step]').count();
  const shown = await page.locator('[data-step]:visible').count();
  const buttons = await page.locator('nav button:visible').count();
  await context.close();
  return { steps, shown, buttons };
}

const [executablePath, ...paths] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: flags });
const answer = {};
for (const path of paths) {
  const looks = [];
  for (const width of [360, 1400]) for (const scheme of ['light', 'dark']) looks.push(await look(browser, path, width, scheme));
  answer[path] = { looks, plain: await withoutScript(browser, path) };
}
await browser.close();
process.stdout.write(JSON.stringify(answer));

import { createHash } from 'node:crypto'
import { nextStep } from './next-step.ts'
import { plain } from './plain.ts'
import type { Told } from './told.ts'

const style = `
:root { color-scheme: light dark; --text: #1c1e21; --quiet: #565b63; --ground: #f4f5f7; --card: #fff; --line: #d3d7dd;
  --accent: #0b5cad; --on-accent: #fff }
@media (prefers-color-scheme: dark) { :root { --text: #e9ebee; --quiet: #a8afb9; --ground: #14171b; --card: #1d2126;
  --line: #3b424c; --accent: #7cb8ff; --on-accent: #10151b } }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--text); font: 1rem/1.5 system-ui, sans-serif }
main { max-width: 38rem; margin: clamp(1rem, 8vh, 6rem) auto; padding: clamp(1.25rem, 5vw, 2.5rem); background: var(--card);
  border: 1px solid var(--line); border-radius: 12px; width: calc(100% - 2rem); overflow-wrap: anywhere }
h1 { margin: .25rem 0 1rem; font-size: clamp(1.3rem, 5vw, 1.65rem); line-height: 1.25 }
p { margin: 0 0 1rem }
.status { margin: 0; color: var(--quiet); font-size: .9rem }
label { display: block; margin-bottom: .35rem; font-weight: 600 }
textarea { display: block; width: 100%; field-sizing: content; min-height: 3rem; resize: none; padding: .7rem .8rem;
  border: 1px solid var(--quiet); border-radius: 8px; background: var(--ground); color: var(--text);
  font: .95rem/1.5 ui-monospace, monospace }
.hint { margin: .4rem 0 1.25rem; color: var(--quiet); font-size: .9rem }
.open { display: inline-block; padding: .6rem 1rem; border-radius: 8px; background: var(--accent); color: var(--on-accent);
  font-weight: 600; text-decoration: none }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.25rem; margin: 1.5rem 0 0; padding-top: 1.25rem;
  border-top: 1px solid var(--line); font-size: .9rem }
dt { color: var(--quiet) }
dd { margin: 0 }
@media (max-width: 24rem) { dl { grid-template-columns: 1fr } dd { margin-bottom: .5rem } }
`

const hash = createHash('sha256').update(style).digest('base64')

/** Nothing is loaded, run, sent or framed (CSP level 3); the one style is named by its hash. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escaped = (text: string): string => plain(text).replaceAll(/[&<>"']/g, (one) => entities[one] ?? '')

/** A refusal as a page for people. `slackApp` is where the bot is at home in Slack. */
export const refusalPage = (told: Told, slackApp: string | undefined): string => {
  const { status, title, service, ask } = told
  const next = nextStep(told)
  const about = service === undefined ? 'Pagepass' : `Pagepass · ${service}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escaped(`${title} · ${about}`)}</title>
<style>${style}</style>
</head>
<body>
<main>
<p class="status">${escaped(`${about} · ${status}`)}</p>
<h1>${escaped(title)}</h1>
${next === undefined ? '' : `<p>${escaped(next)}</p>\n`}${ask === undefined ? '' : commandField(ask)}${openSlack(told, slackApp)}${factsOf(told)}</main>
</body>
</html>
`
}

const commandField = (ask: string): string => `<label for="ask">Ask for a pass: paste this into Slack</label>
<textarea id="ask" rows="2" readonly spellcheck="false" aria-describedby="hint">${escaped(ask)}</textarea>
<p class="hint" id="hint">${ask.includes('…') ? 'Say why in place of the “…”. ' : ''}Once you have the pass, load this page again.</p>
`

const openSlack = ({ ask, mend }: Told, slackApp: string | undefined): string =>
  slackApp === undefined || (ask === undefined && mend === undefined)
    ? ''
    : `<p><a class="open" href="${escaped(slackApp)}" rel="noreferrer">Open Pagepass in Slack</a></p>\n`

const factsOf = ({ reason, service, needs, rule, by }: Told): string => {
  const facts = [
    ['Service', service],
    ['Tier needed', needs],
    ['Written in', rule],
    ['By the rule', by],
    ['Reason', reason],
  ]
  const rows = facts.map(([name, value]) =>
    value === undefined ? '' : `<dt>${name}</dt><dd>${escaped(value)}</dd>\n`,
  )
  return `<dl>\n${rows.join('')}</dl>\n`
}

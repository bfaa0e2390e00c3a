/** How a refusal is told: as problem details for programs, a page for browsers, or a line for terminals. */
export type Form = 'problem' | 'page' | 'line'

/** They take anything, and print it as it is. */
const terminals = /^(?:curl|wget|httpie|xh)\//i

/** Browsers say it in 200 characters. Reading 16,000 commas takes longer than all else that a refusal takes. */
const longestRead = 1_000

const json = new Set(['application/problem+json', 'application/json', 'application/*'])

/**
 * Reads from `Accept` (RFC 9110 12.5.1) and `User-Agent` who will read the answer. A page is for whoever names HTML and
 * likes nothing of ours better; whoever says nothing gets problem details.
 */
export const formOf = (rawHeaders: readonly string[]): Form => {
  let accept = ''
  let agent = ''
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const { length } = rawHeaders[index] as string
    if (length !== 6 && length !== 10) continue
    const name = (rawHeaders[index] as string).toLowerCase()
    const value = rawHeaders[index + 1] as string
    if (name === 'accept') accept = accept === '' ? value : `${accept},${value}`
    else if (name === 'user-agent') agent = value
  }
  if (accept === '' || accept === '*/*') return terminals.test(agent) ? 'line' : 'problem'
  return accept.length <= longestRead && prefersHtml(accept) ? 'page' : 'problem'
}

const prefersHtml = (accept: string): boolean => {
  let html = 0
  let other = 0
  for (const entry of accept.toLowerCase().split(',')) {
    const [range = '', ...parameters] = entry.split(';').map((part) => part.trim())
    if (range === 'text/html') html = Math.max(html, qualityIn(parameters))
    else if (json.has(range)) other = Math.max(other, qualityIn(parameters))
  }
  return html > other
}

const qualityIn = (parameters: readonly string[]): number => {
  const written = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
  if (written === undefined) return 1
  return /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(written) ? Number(written) : 0
}

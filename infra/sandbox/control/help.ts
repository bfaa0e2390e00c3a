import type { Call } from './call.ts'

/** Every call as a line for curl. */
export const helpText = (calls: readonly Call[], address: string): string =>
  [
    'The sandbox: stand-ins for Slack, PagerDuty, the identity provider and two services.',
    'Add ?json to an address (or Accept: application/json) for JSON.',
    '',
    ...calls.flatMap((call) => [curlLine(call, address), `    ${call.does}${fieldsLine(call)}`]),
  ].join('\n')

const curlLine = ({ method, example }: Call, address: string): string => {
  const fields = (example.fields ?? []).map((field) => `-d ${field} `).join('')
  const post = method === 'POST' && fields === '' ? '-X POST ' : ''
  return `curl ${post}${fields}${quoted(`${address}${example.path}`)}`
}

const quoted = (url: string): string => (url.includes('?') ? `'${url}'` : url)

const fieldsLine = ({ method, takes }: Call): string =>
  method === 'POST' && takes ? ` Takes ${takes.map((name) => `${name}=`).join(', ')}.` : ''

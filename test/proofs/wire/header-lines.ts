import { domain } from '../../builders/proxy.ts'
import type { Random } from '../random.ts'
import type { Scene } from './scene.ts'

const ours = [
  ...[
    'X-Pagepass-Assertion',
    'X-Forwarded-For',
    'X-Forwarded-Host',
    'X-Forwarded-Proto',
    'Forwarded',
    'Host',
  ],
  ...['X-Pagepass-User', 'X-Pagepass', 'X-Forwarded-User', 'X-Forwarded-Port', 'X-Real-IP', 'Via'],
]
const others = [
  ...[
    'X-Pagepass-Authorization',
    'Authorization',
    'Connection',
    'Keep-Alive',
    'TE',
    'Trailer',
    'Upgrade',
    'Expect',
  ],
  ...['Cookie', 'Content-Length', 'Transfer-Encoding', 'X-Mine', '__proto__', 'Accept', 'Proxy-Connection'],
]
const between = [
  '_',
  '.',
  '!',
  '~',
  "'",
  '|',
  '+',
  '^',
  '$',
  '#',
  '&',
  '*',
  '%',
  '`',
  '',
  '--',
  ' ',
  '\t',
  '\0',
  '\xad',
]
const within = [...between, '\r', '\n', '\r\n ', ':', '\x7f', '\xc2\xa0', '\u00b5']

const spelled = (name: string, random: Random): string => {
  let text = random.pick([
    () => name,
    () => name.toLowerCase(),
    () => name.toUpperCase(),
    () => [...name].map((one) => (random.chance(0.5) ? one.toLowerCase() : one.toUpperCase())).join(''),
  ])()
  if (random.chance(0.4)) text = text.replaceAll('-', () => (random.chance(0.6) ? random.pick(between) : '-'))
  if (random.chance(0.15)) {
    const at = random.below(text.length + 1)
    text = text.slice(0, at) + random.pick(within) + text.slice(at)
  }
  return text
}

const valueFor = (name: string, client: string, token: string, random: Random): string =>
  random.pick([
    () => 'forged',
    () => '',
    () => client,
    () => '127.0.0.1',
    () => `Bearer ${token}`,
    () => token,
    () => `orders-svc.${domain}`,
    () => `payments-svc.${domain}`,
    () => nominating(random),
    () => `a\r\n ${name}: forged`,
    () => `a\r${name}: forged`,
    () => `a\n${name}: forged`,
    () => `for=${client};host=orders-svc.${domain};proto=http`,
    () => 'chunked',
    () => '5',
    () => '\xe9\x80',
    () => `a${random.pick(within)}b`,
  ])()

const nominating = (random: Random): string =>
  Array.from({ length: random.whole(1, 5) }, () => spelled(random.pick(ours), random)).join(
    random.pick([',', ', ', '\t,\t', ' ,', ',,', ';', ' ']),
  )

const colon = (random: Random): string =>
  random.chance(0.9) ? ': ' : random.pick([':', ' : ', '\t:', ':\t', ''])

/** A request of Ana with header lines, trailers and nominations that are to be taken for ours, or to take ours away. */
export const headersOf = async (
  scene: Scene,
  number: number,
  random: Random,
  client: string,
): Promise<string[]> => {
  const token = await scene.token('ana')
  const forger = await scene.token('ben')
  const line = (): string => {
    const name = random.pick(random.chance(0.75) ? ours : others)
    const value = valueFor(name, client, forger, random)
    return spelled(name, random) + colon(random) + value
  }
  const lines = [`Host: orders-svc.${domain}`, `Authorization: Bearer ${token}`]
  const more = random.whole(1, 4)
  for (let count = 0; count < more; count += 1) {
    const one = random.chance(0.3) ? `Connection${colon(random)}${nominating(random)}` : line()
    lines.push(one)
    if (random.chance(0.15)) lines.push(one)
  }
  const inChunks = random.chance(0.25)
  if (inChunks) lines.push('Transfer-Encoding: chunked')
  const body = inChunks ? `5\r\nhello\r\n0\r\n${random.chance(0.7) ? `${line()}\r\n` : ''}\r\n` : ''
  const method = inChunks ? 'POST' : 'GET'
  return [
    [`${method} /v1/h${number} HTTP/1.1`, ...random.shuffled(lines), 'Connection: close', '', body].join(
      '\r\n',
    ),
  ]
}

import { domain } from '../../builders/proxy.ts'
import type { Random } from '../random.ts'
import type { Scene } from './scene.ts'

const plain = [
  ...[
    '/',
    '/',
    '/x',
    'v1',
    'admin',
    'public',
    'any',
    'V1',
    'caf',
    '~',
    "'",
    '(',
    ')',
    '*',
    '+',
    ',',
    ':',
    '@',
    '$',
    '!',
    '_',
  ],
  ...[
    '/...',
    '/..x',
    '.y',
    '&',
    '=',
    '-',
    '%20',
    '%C3%A9',
    '%E2%82%AC',
    '%F0%9F%98%80',
    '%3F',
    '%23',
    '%5B',
    '%22',
    '%25',
    '%80',
  ],
]
const hostile = [
  ...[
    '//',
    '/.',
    '/..',
    '/./',
    '/../',
    '..',
    ';',
    ';x=1',
    '/..;/',
    '\\',
    '#',
    '"',
    '<',
    '>',
    '[',
    '{',
    '|',
    '^',
    '`',
    '?/../',
  ],
  ...[
    '%2e',
    '%2E',
    '%2f',
    '%2F',
    '%5c',
    '%5C',
    '%3B',
    '%00',
    '%0a',
    '%0D',
    '%252e',
    '%252F',
    '%c3%a9',
    '%C0%AE',
    '%E0%80%AF',
  ],
  ...[
    '%FF',
    '%41',
    '%7E',
    '%7F',
    '%',
    '%4',
    '%u002e',
    '\t',
    '\0',
    '\x7f',
    '\xe9',
    '\xc3\xa9',
    ' ',
    '\r',
    '\n',
  ],
]
const queries = [
  '?',
  '?q=1',
  '?a=../../x',
  '?a=%2e%2e//;\\|<>"`{}[]^',
  '??',
  '?/v1/../x',
  '?a=b#c',
  '?%00',
  '?\xe9',
]
const methods = ['GET', 'GET', 'GET', 'GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']
const otherMethods = ['TRACE', 'get', 'Get', 'CONNECT', 'PRI', 'GET/', 'QUERY']
const starts = ['/v1/', '/v1/', '/v1/', '/public/', '/any/', '/']
const otherStarts = [
  '/v1',
  '/admin/',
  'v1/',
  '//v1/',
  '*',
  '/.pagepass/',
  '/v1/../',
  `http://orders-svc.${domain}/v1/`,
]

/** A request of Ana for a target that can perhaps be read in more than one way. */
export const targetOf = async (scene: Scene, number: number, random: Random): Promise<string[]> => {
  let target = random.pick(random.chance(0.85) ? starts : otherStarts)
  const isHostile = random.chance(0.6)
  for (let count = random.whole(0, 5); count > 0; count -= 1)
    target += random.pick(isHostile && random.chance(0.4) ? hostile : plain)
  target += `${random.chance(0.5) ? '/' : ''}t${number}${random.chance(0.3) ? random.pick(queries) : ''}`
  if (isHostile && random.chance(0.2)) {
    const at = random.below(target.length + 1)
    target = target.slice(0, at) + String.fromCharCode(random.below(256)) + target.slice(at)
  }
  const host = random.chance(0.97) ? `orders-svc.${domain}` : random.pick([`payments-svc.${domain}`, '', 'x'])
  return [
    [
      `${random.pick(random.chance(0.93) ? methods : otherMethods)} ${target} HTTP/1.1`,
      `Host: ${host}`,
      `Authorization: Bearer ${await scene.token('ana')}`,
      'Connection: close',
      '',
      '',
    ].join('\r\n'),
  ]
}

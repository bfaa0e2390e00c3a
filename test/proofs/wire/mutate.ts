import type { Random } from '../random.ts'

/** What parsers have disagreed on. */
const telling = [
  ...[
    '\r',
    '\n',
    '\r\n',
    '\r\n\r\n',
    '\0',
    ' ',
    '\t',
    '\x0b',
    '\xff',
    ':',
    ';',
    ',',
    '"',
    '0',
    '9',
    '..',
    '/',
    '%2e',
  ],
  ...['GET ', 'POST ', ' HTTP/1.1', ' HTTP/1.0', '0\r\n\r\n', '5\r\n', 'ffffffff', '+', '-', 'x', '#', '?'],
  ...[
    'Transfer-Encoding: chunked\r\n',
    'Transfer-Encoding: identity\r\n',
    'Transfer-Encoding:\x0bchunked\r\n',
  ],
  ...['Content-Length: 7\r\n', 'Content-Length: 0\r\n', 'Content-Length: 700\r\n', 'Connection: close\r\n'],
  ...[
    'Connection: keep-alive, Content-Length\r\n',
    'Connection: Transfer-Encoding\r\n',
    'Expect: 100-continue\r\n',
  ],
  ...[
    'Upgrade: h2c\r\nConnection: Upgrade\r\n',
    'Host: payments-svc.access.test\r\n',
    'X-Pagepass-Assertion: x\r\n',
  ],
]

/** The same bytes but for one or a few random changes. */
export const mutated = (bytes: string, random: Random): string => {
  let text = bytes
  for (let times = random.chance(0.7) ? 1 : random.whole(2, 6); times > 0; times -= 1) {
    const at = random.below(text.length)
    const [before, after] = [text.slice(0, at), text.slice(at)]
    const length = random.whole(1, 4)
    text = random.pick([
      () => before + String.fromCharCode(random.below(256)) + after.slice(1),
      () => before + String.fromCharCode(after.charCodeAt(0) ^ (1 << random.below(8))) + after.slice(1),
      () => before + random.pick(telling) + after,
      () => before + after.slice(length),
      () => before + random.pick(telling) + after.slice(length),
      () => before + after.slice(0, random.whole(1, 60)) + after,
      () => before + after.slice(random.whole(1, 60)),
    ])()
  }
  return text
}

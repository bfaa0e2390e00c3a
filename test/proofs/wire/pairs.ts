import { domain } from '../../builders/proxy.ts'
import type { Random } from '../random.ts'
import { mutated } from './mutate.ts'
import type { Scene } from './scene.ts'

const host = `orders-svc.${domain}`
/** Stand for the tokens while the bytes are mutated: a mutated token would only ever be a 401. */
const marks = { ana: '<ana>', ben: '<ben>', cho: '<cho>', eve: '<eve>' } as const
type Who = keyof typeof marks

const request = (who: Who, line: string, headers: readonly string[] = [], body = ''): string =>
  [`${line} HTTP/1.1`, `Host: ${host}`, `Authorization: Bearer ${marks[who]}`, ...headers, '', body].join(
    '\r\n',
  )

const chunked = (...chunks: readonly string[]): string =>
  [...chunks, ''].map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')

/**
 * Two requests of two people on one connection, the first of them allowed and the second mostly not, with random changes to
 * their bytes; behind them a third that is in order and the last. In one or two parts.
 */
export const pairOf = async (scene: Scene, number: number, random: Random): Promise<string[]> => {
  // Without a token, whose length is not known yet.
  const hidden = `GET /v1/hidden${number} HTTP/1.1\r\nHost: ${host}\r\n\r\n`
  const body = random.pick(['hello 7', hidden, `${hidden}\r\n0\r\n\r\n`, '0\r\n\r\n', ''])
  const long = [`Content-Length: ${body.length}`]
  const inChunks = ['Transfer-Encoding: chunked']
  const first = random.pick([
    () => request('ana', `POST /v1/a${number}`, long, body),
    () => request('ana', `POST /v1/a${number}`, [...long, 'Expect: 100-continue'], body),
    () => request('ana', `PUT /v1/a${number}`, inChunks, chunked('hello 7', body || 'x')),
    () =>
      request(
        'ana',
        `DELETE /v1/a${number}`,
        [...inChunks, 'Trailer: x'],
        `5;a=b\r\nhello\r\n0\r\nx: y\r\n\r\n`,
      ),
    () => request('ana', `GET /v1/a${number}?q=${number}`),
    () => request('ana', `HEAD /v1/a${number}`, ['Connection: keep-alive']),
  ])()
  const second = random.pick([
    () => request('cho', `POST /v1/b${number}`, long, body),
    () => request('eve', `GET /v1/b${number}`),
    () => request('cho', `PUT /v1/b${number}`, inChunks, chunked(body || 'x')),
    () => request('ben', `GET /v1/b${number}`),
    () => request('ben', `POST /v1/b${number}`, long, body),
  ])()
  const last = request('ana', `GET /v1/c${number}`, ['Connection: close'])
  const changed = random.pick([
    () => mutated(first + second, random),
    () => mutated(first, random) + second,
    () => first + mutated(second, random),
    // Where one ends and the other begins.
    () => first.slice(0, -20) + mutated(first.slice(-20) + second.slice(0, 20), random) + second.slice(20),
  ])()
  let text = changed + last
  for (const [who, mark] of Object.entries(marks)) text = text.replaceAll(mark, await scene.token(who as Who))
  const cut = random.chance(0.5) ? -1 : text.search(/.{0,4}\/v1\/b\d/)
  return cut < 1 ? [text] : [text.slice(0, cut), text.slice(cut)]
}

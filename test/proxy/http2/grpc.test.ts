import { expect, test } from 'vitest'
import { timeLeft } from '#proxy/http2/grpc.ts'
import type { ClientRequest } from '#proxy/wire.ts'

const of = (...rawHeaders: string[]): number | undefined =>
  timeLeft({ rawHeaders } as unknown as ClientRequest)

test.each([
  ['2H', 7_200_000],
  ['3M', 180_000],
  ['4S', 4_000],
  ['5m', 5],
  ['5001u', 6],
  ['99999999n', 100],
  ['0n', 0],
  ['00000001S', 1_000],
  // 24 days; a timer that is told more fires at once.
  ['2147483S', 2_147_483_000],
  ['2147484S', undefined],
  ['99999999H', undefined],
])('A call may take %s: %s ms', (text, ms) => {
  expect(of('te', 'trailers', 'grpc-timeout', text)).toBe(ms)
})

test.each(['', '5', 'S', '5s', '5 S', '+5S', '-5S', '5.5S', '5S5S', '100000000S', '5S, 6S', '5H ', '0x5S'])(
  'What may not be a time (“%s”) sets none',
  (text) => {
    expect(of('grpc-timeout', text)).toBeUndefined()
  },
)

test('Nor does a call that says none', () => {
  expect(of('te', 'trailers')).toBeUndefined()
})

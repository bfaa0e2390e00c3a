import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { closeFrame, createFrames } from '#proxy/websockets/frames.ts'
import { frame } from '../../builders/raw-client.ts'

const long = (...length: number[]): Buffer => Buffer.from([0x82, 0xff, ...length, 1, 2, 3, 4])

describe('Frames are followed', () => {
  test('however the bytes are cut', () => {
    const payloads = fc.array(fc.integer({ min: 0, max: 70_000 }), { minLength: 1, maxLength: 4 })
    const cuts = fc.array(fc.integer({ min: 1, max: 30_000 }), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(payloads, cuts, (lengths, sizes) => {
        const frames = createFrames('client')
        const all = Buffer.concat(lengths.map((length) => wide(length)))
        const boundaries = new Set<number>()
        let end = 0
        for (const length of lengths) {
          end += wide(length).length
          boundaries.add(end)
        }
        let at = 0
        // An expectation for each of up to 280,000 pieces would take longer than the pieces.
        const wrongAt: number[] = []
        for (let turn = 0; at < all.length; turn += 1) {
          const piece = all.subarray(at, at + (sizes[turn % sizes.length] ?? 1))
          at += piece.length
          if (!frames.follow(piece) || frames.between() !== boundaries.has(at)) wrongAt.push(at)
        }
        expect(wrongAt).toEqual([])
      }),
      { numRuns: 50 },
    )
  })

  test.each([
    ['a text', frame('hello'), true],
    ['an empty one', frame(''), true],
    ['a ping', frame('', { first: 0x89 }), true],
    ['half a header', Buffer.from([0x81]), false],
    ['a header without its mask', frame('').subarray(0, 3), false],
    ['half a payload', frame('hello').subarray(0, 8), false],
    ['a length of 2^53 - 1', long(0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), false],
  ])('%s', (_, bytes, between) => {
    const frames = createFrames('client')
    expect(frames.follow(bytes)).toBe(true)
    expect(frames.between()).toBe(between)
  })
})

test.each([
  ['a reserved opcode', 'client', frame('', { first: 0x83 })],
  ['a reserved control opcode', 'client', frame('', { first: 0x8b })],
  ['a fragmented ping', 'client', frame('', { first: 0x09 })],
  ['a ping of 126 bytes', 'client', frame('x'.repeat(126), { first: 0x89 })],
  ['an unmasked frame of a client', 'client', frame('hello', { masked: false })],
  ['a masked frame of a service', 'service', frame('hello')],
  ['a length of 2^53', 'client', long(0, 0x20, 0, 0, 0, 0, 0, 0)],
  ['a negative length', 'client', long(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)],
  ['a request', 'client', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ['an answer', 'service', Buffer.from('HTTP/1.1 200 OK\r\n\r\n')],
] as const)('%s is no frame', (_, from, bytes) => {
  expect(createFrames(from).follow(bytes)).toBe(false)
})

test('A close frame is one, for either side', () => {
  for (const to of ['client', 'service'] as const) {
    const frames = createFrames(to === 'client' ? 'service' : 'client')
    const bytes = closeFrame(to, 1008)
    expect(frames.follow(bytes)).toBe(true)
    expect(frames.between()).toBe(true)
  }
  expect([...closeFrame('client', 1008)]).toEqual([0x88, 2, 0x03, 0xf0])
})

/** A whole frame of this many zeros, its length in the shortest form. */
const wide = (length: number): Buffer => {
  if (length < 65_536) return frame('\0'.repeat(length))
  const header = Buffer.alloc(14)
  header[0] = 0x82
  header[1] = 0xff
  header.writeBigUInt64BE(BigInt(length), 2)
  return Buffer.concat([header, Buffer.alloc(length)])
}

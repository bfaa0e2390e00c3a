import { expect, test } from 'vitest'
import { createFrames } from '#proxy/websockets/frames.ts'
import { frameLength, readStamps, stampedFrame } from './streams/stamped-frame.ts'

test('a stamped frame is a whole frame of a client, and tells when it was made', () => {
  const before = process.hrtime.bigint()
  const frames = [stampedFrame(), stampedFrame()]
  const after = process.hrtime.bigint()
  const followed = createFrames('client')
  expect(frames.map((frame) => followed.follow(frame) && followed.between())).toEqual([true, true])
  const { stamps, rest } = readStamps(Buffer.concat(frames))
  expect(rest).toHaveLength(0)
  expect(stamps).toHaveLength(2)
  const [first = 0n, second = 0n] = stamps
  expect(before <= first && first <= second && second <= after).toBe(true)
})

test('frames that come in pieces are put together', () => {
  const bytes = Buffer.concat([stampedFrame(), stampedFrame()])
  const first = readStamps(bytes.subarray(0, frameLength + 3))
  expect(first.stamps).toHaveLength(1)
  expect(first.rest).toHaveLength(3)
  expect(readStamps(Buffer.concat([first.rest, bytes.subarray(frameLength + 3)])).stamps).toHaveLength(1)
})

test('a frame that was changed on the way is told', () => {
  const frame = stampedFrame()
  frame[1] = 0x87
  expect(() => readStamps(frame)).toThrow('changed')
})

import type { IncomingMessage } from 'node:http'

const mostBytes = 256 * 1024

/**
 * The whole body; or why there is none: larger than any real message of Slack or PagerDuty, or the sender went away.
 * Never rejects. The rest of one that is too large is read and forgotten, so that the sender can read an answer: a
 * reset would have PagerDuty come again and again, with everything else about that incident waiting behind.
 */
export const readBody = (request: IncomingMessage): Promise<Buffer | 'too large' | 'cut off'> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    const keep = (chunk: Buffer): void => {
      size += chunk.length
      if (size <= mostBytes) return void chunks.push(chunk)
      request.off('data', keep).resume()
      chunks.length = 0
      resolve('too large')
    }
    request
      .on('data', keep)
      .once('end', () => resolve(Buffer.concat(chunks)))
      .on('error', () => resolve('cut off'))
      .once('close', () => resolve('cut off'))
  })

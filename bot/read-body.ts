import type { IncomingMessage } from 'node:http'

const mostBytes = 256 * 1024

/** The whole body, or undefined when it is larger than any real message of Slack or PagerDuty. */
export const readBody = async (request: IncomingMessage): Promise<Buffer | undefined> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += (chunk as Buffer).length
    if (size > mostBytes) return undefined
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}

import type { IncomingMessage } from 'node:http'

const mostBytes = 1024 * 1024

/**
 * The whole body, or undefined when it is larger than any real message of Slack or PagerDuty. The connection stays
 * open for the answer either way; Node reads on and throws away what is left.
 */
export const readBody = async (request: IncomingMessage): Promise<Buffer | undefined> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    size += (chunk as Buffer).length
    if (size > mostBytes) return undefined
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}

import { createReadStream } from 'node:fs'
import { access } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { z } from 'zod'

const shape = z.object({ kind: z.literal('step'), step: z.enum(['lock', 'lift']), statement: z.string() })

/** Who was locked out or let in again, as an audit log tells it: whoever uses one checks its signature. */
export async function* locksInAudit(file: string): AsyncGenerator<string> {
  const isThere = await access(file).then(
    () => true,
    () => false,
  )
  if (!isThere) return
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })
  for await (const line of lines) {
    // Most lines are something else, and need not be read any further.
    if (!line.includes('"step":"lock"') && !line.includes('"step":"lift"')) continue
    const read = shape.safeParse(parsed(line))
    if (read.success) yield read.data.statement
  }
}

const parsed = (line: string): unknown => {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

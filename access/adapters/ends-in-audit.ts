import { createReadStream } from 'node:fs'
import { access } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { z } from 'zod'

const endShape = z.object({
  kind: z.literal('step'),
  step: z.literal('end'),
  grant: z.string(),
  statement: z.string(),
})

/** The ends of these grants that an audit log tells of, as they stand there: whoever uses one checks its signature. */
export async function* endsInAudit(file: string, grants: ReadonlySet<string>): AsyncGenerator<string> {
  if (
    grants.size === 0 ||
    !(await access(file).then(
      () => true,
      () => false,
    ))
  )
    return
  for await (const line of createInterface({
    input: createReadStream(file),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    // Most lines are something else, and need not be read any further.
    if (!line.includes('"step":"end"')) continue
    const read = endShape.safeParse(parsed(line))
    if (read.success && grants.has(read.data.grant)) yield read.data.statement
  }
}

const parsed = (line: string): unknown => {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

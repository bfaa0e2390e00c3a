import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

const record = z.object({
  kind: z.string(),
  id: z.string().optional(),
  path: z.string().optional(),
})

/** Follows the audit logs of a folder. */
export const followRecords = (folder: string) => {
  const read = new Map<string, number>()
  /** What was admitted and has no end yet, by id: its path. */
  const unended = new Map<string, string>()
  const strays: string[] = []
  let admitted = new Map<string, number>()

  const take = (line: string): void => {
    const { kind, id = '', path = '' } = record.parse(JSON.parse(line))
    if (kind === 'admitted') {
      unended.set(id, path)
      admitted.set(path, (admitted.get(path) ?? 0) + 1)
    } else if (kind === 'closed') {
      if (!unended.delete(id)) strays.push(id)
    }
  }

  return {
    /** Reads on. */
    look: async (): Promise<void> => {
      for (const name of await readdir(folder)) {
        const file = await open(join(folder, name))
        try {
          const from = read.get(name) ?? 0
          const { size } = await file.stat()
          const { buffer } = await file.read(Buffer.alloc(size - from), 0, size - from, from)
          const end = buffer.lastIndexOf(0x0a) + 1
          read.set(name, from + end)
          for (const line of buffer.subarray(0, end).toString().split('\n')) if (line !== '') take(line)
        } finally {
          await file.close()
        }
      }
    },
    /** Paths that were admitted and have no end yet. */
    open: (): string[] => [...unended.values()],
    /** Ends that belong to nothing. */
    strays: (): readonly string[] => strays,
    /** How often each path was admitted since the last `forget`. */
    admitted: (): ReadonlyMap<string, number> => admitted,
    forget: (): void => {
      admitted = new Map()
    },
  }
}
export type Records = ReturnType<typeof followRecords>

import { createGlassKey } from '#access/adapters/break-glass/key-files.ts'

/** Makes the key of somebody who may sign break-glass passes, and prints the line that makes proxies count it. */
export const createGlassKeyFile = async ({
  name,
  out,
}: {
  readonly name: string
  readonly out: string
}): Promise<void> => {
  const line = await createGlassKey(out, name)
  process.stdout.write(
    `${out} signs break-glass passes as ${name}: keep it to yourself.\nIn the rules, under break_glass.keys:\n${line}\n`,
  )
}

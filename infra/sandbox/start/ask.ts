import { createInterface } from 'node:readline/promises'

/** Resolves to true for yes. */
export type Ask = (question: string) => Promise<boolean>

/** Asks the person at the terminal, Enter meaning yes; undefined where there is no terminal to ask at. */
export function askAtTerminal(
  input: NodeJS.ReadableStream & { isTTY?: boolean } = process.stdin,
  output: NodeJS.WritableStream & { isTTY?: boolean } = process.stdout,
): Ask | undefined {
  if (!input.isTTY || !output.isTTY) return undefined
  return async (question) => {
    const terminal = createInterface({ input, output })
    // Ctrl-D and Ctrl-C close the terminal unanswered: that is a no.
    const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('no')))
    const answer = await Promise.race([terminal.question(`${question} [Y/n] `).catch(() => 'no'), closed])
    terminal.close()
    return /^(y|yes|)$/i.test(answer.trim())
  }
}

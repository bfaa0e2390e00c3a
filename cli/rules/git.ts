import { execFile } from 'node:child_process'

/** What git printed, or the first line of what it said went wrong. */
type GitAnswer = { readonly out: string } | { readonly failed: string }

/** Asks git, in the repository at hand or in the one that a folder is in. Rejects never. */
export const git = (words: readonly string[], folder?: string): Promise<GitAnswer> =>
  new Promise((resolve) => {
    const where = folder === undefined ? [] : ['-C', folder]
    const limits = { timeout: 10_000, maxBuffer: 64 * 1024 * 1024 }
    execFile('git', [...where, ...words], limits, (error, out, err) =>
      resolve(error === null ? { out } : { failed: err.trim().split('\n')[0] ?? '' }),
    )
  })

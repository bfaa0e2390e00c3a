const patienceMs = 150_000

/** Waits until something holds: processes take long to start where many others run. */
export const patiently = async (holds: () => boolean | Promise<boolean>, what: string): Promise<void> => {
  const tooLate = AbortSignal.timeout(patienceMs)
  while (!(await holds())) {
    if (tooLate.aborted) throw new Error(`waited in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

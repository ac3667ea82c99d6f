"""All loader workers draw the same random numbers."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="worker-seeds-equal",
    title="all loader workers draw the same random numbers",
    group="batching",
    what_it_does="""
        Several worker processes are forked with the same state of NumPy's generator, and each produces the same
        sequence of "random" augmentations.
    """,
    why_it_hurts="""
        With 8 workers each crop or flip occurs eight times; and if the seed is set anew at the start of each epoch,
        the same ones come back every epoch. Augmentation is then worth a fraction of what it costs.
    """,
    test="""
        Hash the augmented samples, or print the first random number of each worker: repeats show it.
    """,
    example="""
        def __getitem__(self, i):
            return augment(self.images[i], np.random.rand())    # the same in every forked worker
    """,
    use_instead="""
        def seed_worker(worker):
            np.random.seed(torch.initial_seed() % 2**32)


        loader = DataLoader(data, num_workers=8, worker_init_fn=seed_worker)
    """,
    fix="""
        Seed each worker with its own number, or draw from the framework's generator, which is seeded per worker.
    """,
    false_alarm="""
        Equal seeds are right where runs are to be compared on identical augmentations.
    """,
)

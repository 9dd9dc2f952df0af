"""Do the statistics keep the error rates they state?"""

"""Is this the front end that the network was trained with, and is it trained?"""
